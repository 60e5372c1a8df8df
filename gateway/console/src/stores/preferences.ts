/** What an agent chose for this browser. */
import { defineStore } from 'pinia'
import { ref, watch } from 'vue'

export type Theme = 'light' | 'dark' | 'system'

const THEME = 'yingda.theme'
const SOUND = 'yingda.sound'
const NOTIFY = 'yingda.notify'
const PANEL = 'yingda.panel'

export const usePreferences = defineStore('preferences', () => {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const stored = localStorage.getItem(THEME)
  const theme = ref<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system')
  const sound = ref(localStorage.getItem(SOUND) !== 'off')
  const notify = ref(localStorage.getItem(NOTIFY) === 'on')
  const panel = ref(localStorage.getItem(PANEL) !== 'off')

  function paint(): void {
    const dark = theme.value === 'dark' || (theme.value === 'system' && system.matches)
    document.documentElement.classList.toggle('dark', dark)
  }

  system.addEventListener('change', paint)
  watch(
    theme,
    (value) => {
      localStorage.setItem(THEME, value)
      paint()
    },
    { immediate: true },
  )
  watch(sound, (on) => localStorage.setItem(SOUND, on ? 'on' : 'off'))
  watch(notify, (on) => localStorage.setItem(NOTIFY, on ? 'on' : 'off'))
  watch(panel, (on) => localStorage.setItem(PANEL, on ? 'on' : 'off'))

  return { theme, sound, notify, panel }
})
