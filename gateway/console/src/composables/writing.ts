import { computed, onScopeDispose, ref, watch } from 'vue'
import type { Message, Upload } from '@/api/types'
import { useTransfers } from '@/composables/transfers'
import { placeholders } from '@/logic/canned'
import { keepDraft, readDraft } from '@/logic/drafts'
import { isBegun, newLetter, type LetterDraft } from '@/logic/letters'
import { countText, TEXT_LIMIT } from '@/logic/limits'
import { useDirectory } from '@/stores/directory'
import { useOutgoing, type Outgoing } from '@/stores/outgoing'
import { useSession } from '@/stores/session'
import { useThread } from '@/stores/thread'

/**
 * What is being written in a conversation: a draft until it is sent, and again when it comes back.
 *
 * @param conversationId in which one; it stays the same.
 * @param focus puts the cursor into the text.
 */
export function useWriting(conversationId: string, focus: () => void) {
  const thread = useThread()
  const session = useSession()
  const directory = useDirectory()
  const outgoing = useOutgoing()
  const writer = session.id
  const draft = readDraft(writer, conversationId)

  const text = ref(draft?.text ?? '')
  const isNote = ref(draft?.isNote ?? false)
  /** What the answer is beside its text, where the channel carries letters. */
  const letter = ref<LetterDraft>(draft?.letter ?? newLetter())
  /** What the customer wrote meanwhile, to be read before sending. */
  const conflict = ref<Message[]>([])
  let isOpen = true

  const limits = computed(() => directory.limitsOf(thread.conversation?.inbox.id))
  const files = useTransfers(limits)
  files.restore(draft?.files ?? [])
  const isLetter = computed(() => limits.value?.letters ?? false)
  const mayReply = computed(() => session.can('work') && !thread.heldBy)
  const locked = computed(() => !isNote.value && !mayReply.value)
  const missing = computed(() => placeholders(text.value))
  const count = computed(() =>
    countText(text.value, isNote.value ? TEXT_LIMIT : (limits.value?.max_text ?? TEXT_LIMIT)),
  )
  const isBlank = computed(() => text.value.trim() === '')
  const ready = computed(
    () =>
      !locked.value &&
      !files.uploading.value &&
      !count.value.over &&
      missing.value.length === 0 &&
      files.settled.value &&
      (!isBlank.value || (!isNote.value && files.transfers.value.length > 0)),
  )

  function uploads(): Upload[] {
    return files.transfers.value.flatMap((each) => (each.upload ? [each.upload] : []))
  }

  function keep(): void {
    keepDraft(writer, conversationId, {
      text: text.value,
      isNote: isNote.value,
      files: uploads(),
      letter: letter.value.html || isBegun(letter.value) ? letter.value : null,
    })
  }

  watch([text, isNote, letter, () => uploads().length], keep)
  onScopeDispose(() => {
    isOpen = false
  })

  /** Sends it; as the letter `as` where the channel carries letters. */
  async function send(anyway = false, as: LetterDraft | null = null): Promise<void> {
    if (!ready.value) return
    const note = isNote.value
    if (!note && !anyway && thread.unseenFromCustomer.length > 0) {
      conflict.value = thread.unseenFromCustomer
      return
    }
    const seen = anyway ? thread.lastSeq : thread.seenSeq
    const sending = thread.send({
      conversationId,
      kind: note ? 'note' : 'agent',
      text: text.value.trim(),
      // Notes take no files: those that are there wait for the reply.
      attachments: note ? [] : uploads(),
      letter: note ? null : as,
      expectedSeq: note ? undefined : seen,
    })
    conflict.value = []
    text.value = ''
    if (!note) {
      files.transfers.value = []
      letter.value = newLetter()
    }
    files.refusals.value = []
    focus()
    const failed = await sending
    if (failed?.problem?.code === 'conflict') {
      // It comes back by itself where nothing was begun since; elsewhere it waits in the log.
      if (!isOpen || locked.value || !isBlank.value || files.transfers.value.length > 0) return
      takeBack(failed)
      conflict.value = thread.messages.filter((m) => m.kind === 'customer' && m.seq > seen)
    }
  }

  /** Puts what was not sent before what was written since. */
  function takeBack(own: Outgoing): void {
    // What only colleagues may read must not become a reply by being mixed with one.
    isNote.value = own.kind === 'note' || (isNote.value && !isBlank.value)
    text.value = isBlank.value ? own.text : `${own.text}\n${text.value}`
    if (own.letter) letter.value = { ...own.letter, html: own.letter.html + letter.value.html }
    files.restore(own.attachments)
    keep()
    outgoing.drop(own.key)
    focus()
  }

  watch(
    () => outgoing.wanted,
    (key) => {
      const own = key === null ? undefined : outgoing.find(key)
      outgoing.wanted = null
      if (own?.problem && own.conversationId === conversationId) takeBack(own)
    },
  )

  return { text, isNote, letter, isLetter, limits, locked, count, missing, ready, conflict, files, send }
}
