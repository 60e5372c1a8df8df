import { computed, ref, watch, type Ref } from 'vue'
import { letters } from '@/api/letters'
import { isAddress } from '@/logic/addresses'
import { RECIPIENT_KINDS, type LetterDraft, type Recipients } from '@/logic/letters'
import { useThread } from '@/stores/thread'

const NOBODY: Recipients = { to: [], cc: [], bcc: [] }

/** Whom an answer goes to unless its writer chooses, and whether it may go out as it is. */
export function useLetter(letter: Readonly<Ref<LetterDraft>>, wanted: Readonly<Ref<boolean>>) {
  const thread = useThread()
  const usual = ref<Recipients>(NOBODY)
  const usualSubject = ref('')

  // Who takes part changes with what customers write.
  watch(
    () => [wanted.value, thread.id, thread.messages.findLast((m) => m.kind === 'customer')?.id],
    async () => {
      const id = thread.id
      if (!wanted.value || !id) return
      const draft = await letters.draft(id).catch(() => null)
      if (!draft || thread.id !== id) return
      usual.value = { to: draft.to, cc: draft.cc, bcc: [] }
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

  return { usual, usualSubject, addressed }
}
