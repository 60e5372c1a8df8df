import { computed, nextTick, ref, type Ref } from 'vue'
import type { Canned } from '@/api/types'
import { fill, findCanned, placeholders, slashAt, type Slash } from '@/logic/canned'
import { useDirectory } from '@/stores/directory'
import { useSession } from '@/stores/session'
import { useThread } from '@/stores/thread'

/** Canned responses after a slash in the text field `box`, which holds `text`. */
export function useSlash(
  box: Readonly<Ref<HTMLTextAreaElement | null>>,
  text: Ref<string>,
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
    const area = box.value
    slash.value = area ? slashAt(area.value, area.selectionStart) : null
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
    const area = box.value
    if (!area || !slash.value) return
    const conversation = thread.conversation
    const filled = fill(canned.text, {
      'contact.name': conversation?.contact.name ?? null,
      'agent.name': session.me?.agent.name ?? null,
      'ticket.number': conversation?.ticket?.number ?? null,
    })
    const before = text.value.slice(0, slash.value.start)
    const after = text.value.slice(area.selectionStart)
    text.value = before + filled + after
    slash.value = null
    void nextTick(() => {
      const gap = placeholders(filled)[0]
      const at = gap ? text.value.indexOf(gap, before.length) : before.length + filled.length
      area.focus()
      area.setSelectionRange(at, gap ? at + gap.length : at)
    })
  }

  /** Opens the menu where the cursor is. */
  function start(): void {
    const area = box.value
    if (!area) return
    area.focus()
    const at = area.selectionStart
    const lead = at > 0 && !/\s/.test(text.value[at - 1]!) ? ' /' : '/'
    text.value = text.value.slice(0, at) + lead + text.value.slice(at)
    void nextTick(() => {
      area.setSelectionRange(at + lead.length, at + lead.length)
      look()
    })
  }

  function close(): void {
    slash.value = null
  }

  return { slash, marked, found, look, take, insert, start, close }
}
