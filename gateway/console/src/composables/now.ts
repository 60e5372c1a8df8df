import { onScopeDispose, ref, type Ref } from 'vue'

const EVERY_MS = 15_000

const now = ref(Date.now())
let users = 0
let timer = 0

/** The present time, refreshed often enough for words such as "5 minutes ago". */
export function useNow(): Readonly<Ref<number>> {
  users += 1
  now.value = Date.now()
  if (users === 1) {
    timer = window.setInterval(() => {
      now.value = Date.now()
    }, EVERY_MS)
  }
  onScopeDispose(() => {
    users -= 1
    if (users === 0) clearInterval(timer)
  })
  return now
}
