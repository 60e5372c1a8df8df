/** What an agent chose for this browser. */
import { defineStore } from 'pinia'
import { ref, watch } from 'vue'
import { readStored, store } from '@/logic/storage'

export type Theme = 'light' | 'dark' | 'system'

const THEME = 'yingda.theme'
const SOUND = 'yingda.sound'
const NOTIFY = 'yingda.notify'
const PANEL = 'yingda.panel'

export const usePreferences = defineStore('preferences', () => {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const stored = readStored(THEME)
  const theme = ref<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system')
  const sound = ref(readStored(SOUND) !== 'off')
  const notify = ref(readStored(NOTIFY) === 'on')
  const panel = ref(readStored(PANEL) !== 'off')

  function paint(): void {
    const dark = theme.value === 'dark' || (theme.value === 'system' && system.matches)
    document.documentElement.classList.toggle('dark', dark)
  }

  system.addEventListener('change', paint)
  watch(
    theme,
    (value) => {
      store(THEME, value)
      paint()
    },
    { immediate: true },
  )
  watch(sound, (on) => store(SOUND, on ? 'on' : 'off'))
  watch(notify, (on) => store(NOTIFY, on ? 'on' : 'off'))
  watch(panel, (on) => store(PANEL, on ? 'on' : 'off'))

  return { theme, sound, notify, panel }
})
