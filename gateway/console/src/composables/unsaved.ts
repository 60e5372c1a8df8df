/** What is under work and not saved, so that nobody leaves it by mistake. */
import { onBeforeUnmount, onMounted, watch } from 'vue'
import { onBeforeRouteLeave, onBeforeRouteUpdate } from 'vue-router'
import { ElMessageBox } from '@/element'
import { t } from '@/i18n'

const unsaved = new Set<symbol>()

/** Counts an editor as unsaved while `dirty` says so. */
export function useUnsaved(dirty: () => boolean): void {
  const own = Symbol('editor')
  watch(
    dirty,
    (now) => {
      if (now) unsaved.add(own)
      else unsaved.delete(own)
    },
    { immediate: true },
  )
  onBeforeUnmount(() => unsaved.delete(own))
}

/** Whether what is not saved may be lost; asks when there is something. */
export async function mayLeave(): Promise<boolean> {
  if (unsaved.size === 0) return true
  const sure = await ElMessageBox.confirm(t('editor.unsavedSure'), {
    confirmButtonText: t('action.done'),
    cancelButtonText: t('action.cancel'),
  }).catch(() => null)
  return sure !== null
}

/** Guards a page: its route and its window are not left without a question. */
export function useLeaveGuard(): void {
  const warn = (event: BeforeUnloadEvent) => {
    if (unsaved.size > 0) event.preventDefault()
  }
  onMounted(() => addEventListener('beforeunload', warn))
  onBeforeUnmount(() => removeEventListener('beforeunload', warn))
  onBeforeRouteLeave(mayLeave)
  onBeforeRouteUpdate(mayLeave)
}
