import { computed, nextTick, ref, type Ref } from 'vue'
import type { Canned } from '@/api/types'
import type { Writable } from '@/composables/writable'
import { fill, findCanned, placeholders, slashAt, type Slash } from '@/logic/canned'
import { useDirectory } from '@/stores/directory'
import { useSession } from '@/stores/session'
import { useThread } from '@/stores/thread'

/** Canned responses after a slash where an agent writes. */
export function useSlash(
  place: Readonly<Ref<Writable | null>>,
  language: Readonly<Ref<string>>,
) {
  const thread = useThread()
  const session = useSession()
  const directory = useDirectory()
  const slash = ref<Slash | null>(null)
  const marked = ref(0)
  const found = computed(() =>
    slash.value ? findCanned(directory.canned, slash.value.word, language.value) : [],
  )

  function look(): void {
    const before = place.value?.before() ?? ''
    slash.value = slashAt(before, before.length)
    marked.value = 0
  }

  /** Takes a key for the open menu; false when it is not the menu's. */
  function take(key: string): boolean {
    if (!slash.value || found.value.length === 0) return false
    const count = found.value.length
    if (key === 'ArrowDown') marked.value = (marked.value + 1) % count
    else if (key === 'ArrowUp') marked.value = (marked.value + count - 1) % count
    else if (key === 'Enter' || key === 'Tab') insert(found.value[marked.value]!)
    else if (key === 'Escape') slash.value = null
    else return false
    return true
  }

  function insert(canned: Canned): void {
    if (!place.value || !slash.value) return
    const conversation = thread.conversation
    const filled = fill(canned.text, {
      'contact.name': conversation?.contact.name ?? null,
      'agent.name': session.me?.agent.name ?? null,
      'ticket.number': conversation?.ticket?.number ?? null,
    })
    const typed = slash.value.word.length + 1
    slash.value = null
    place.value.replaceBefore(typed, filled, placeholders(filled)[0])
  }

  /** Opens the menu where the cursor is. */
  function start(): void {
    const before = place.value?.before() ?? ''
    place.value?.replaceBefore(0, before && !/\s$/.test(before) ? ' /' : '/')
    void nextTick(look)
  }

  function close(): void {
    slash.value = null
  }

  return { slash, marked, found, look, take, insert, start, close }
}
