/** Whether the details beside a conversation are shown. */
import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'
import { isWide } from '@/composables/width'
import { usePreferences } from './preferences'
import { useThread } from './thread'

export const usePanel = defineStore('panel', () => {
  const preferences = usePreferences()
  const thread = useThread()
  /** Where it covers the conversation it is opened for a look, not for good. */
  const looking = ref(false)
  const shown = computed(() => (isWide.value ? preferences.panel : looking.value))

  watch([() => thread.id, isWide], () => {
    looking.value = false
  })

  function show(wish: boolean): void {
    if (isWide.value) preferences.panel = wish
    else looking.value = wish
  }

  return { shown, show, toggle: () => show(!shown.value) }
})
