import { computed, ref, watch, type Ref } from 'vue'
import { letters } from '@/api/letters'
import { isAddress } from '@/logic/addresses'
import { NOBODY, RECIPIENT_KINDS, unasked, type LetterDraft, type Recipients } from '@/logic/letters'
import { useThread } from '@/stores/thread'

/** Whom an answer goes to unless its writer chooses, and whether it may go out as it is. */
export function useLetter(letter: Readonly<Ref<LetterDraft>>, wanted: Readonly<Ref<boolean>>) {
  const thread = useThread()
  const everybody = ref<Recipients>(NOBODY)
  const usual = computed(() => unasked(everybody.value))
  const usualSubject = ref('')

  // Who takes part changes with what customers write.
  watch(
    () => [wanted.value, thread.id, thread.messages.findLast((m) => m.kind === 'customer')?.id],
    async () => {
      const id = thread.id
      if (!wanted.value || !id) return
      const draft = await letters.draft(id).catch(() => null)
      if (!draft || thread.id !== id) return
      everybody.value = { to: draft.to, cc: draft.cc, bcc: [] }
      usualSubject.value = draft.subject
    },
    { immediate: true },
  )

  const addressed = computed(() => {
    const { recipients, subject } = letter.value
    if (recipients === null) return true
    const all = RECIPIENT_KINDS.flatMap((kind) => recipients[kind])
    const isTold = subject === null || subject.trim() !== ''
    return recipients.to.length > 0 && all.every((one) => isAddress(one.address)) && isTold
  })

  /** The letter as it is sent: left open, its recipients are everybody, and these are fewer. */
  const sendable = (): LetterDraft =>
    letter.value.recipients === null && usual.value !== everybody.value
      ? { ...letter.value, recipients: usual.value }
      : letter.value

  return { everybody, usual, usualSubject, addressed, sendable }
}
