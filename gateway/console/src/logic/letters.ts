/** What letters have beyond chat: who gets them and what they are about. */
import type { Party } from './addresses'

export const RECIPIENT_KINDS = ['to', 'cc', 'bcc'] as const
export type Recipients = Record<(typeof RECIPIENT_KINDS)[number], Party[]>

export const NOBODY: Readonly<Recipients> = { to: [], cc: [], bcc: [] }

/** A letter that is being written beside its plain text; what is null is as usual. */
export interface LetterDraft {
  recipients: Recipients | null
  subject: string | null
  html: string
}

/** Up to how many people get an answer unless its writer chooses: more are a choice to be made. */
const MOST_UNASKED = 10

/** Whom an answer goes to as a matter of course: everybody, or its writer alone where they are many. */
export const unasked = (everybody: Recipients): Recipients =>
  everybody.to.length + everybody.cc.length > MOST_UNASKED
    ? { to: everybody.to, cc: [], bcc: [] }
    : everybody

export const newLetter = (): LetterDraft => ({ recipients: null, subject: null, html: '' })

/** Whether somebody chose anything. */
export const isBegun = (letter: LetterDraft): boolean =>
  letter.recipients !== null || letter.subject !== null

/** Whether only the holder of a key can read it. */
export const isEncrypted = (facts: Readonly<Record<string, string>>): boolean =>
  facts['protection']?.endsWith('-encrypted') ?? false

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** A plain text as rich text: its lines as paragraphs. */
export function asHtml(text: string): string {
  return text
    .split('\n')
    .map((line) => `<p>${line.replace(/[&<>"]/g, (char) => ESCAPES[char]!)}</p>`)
    .join('')
}

/** What a fact of a letter tells about its sender. */
export type Verdict = 'good' | 'bad' | 'unclear'

/** What the trusted server found, by the words of RFC 8601. */
export function verdictOf(result: string): Verdict {
  const word = result.trim().toLowerCase().split(/[\s;(]/)[0] ?? ''
  if (word === 'pass') return 'good'
  return ['fail', 'softfail', 'policy', 'reject'].includes(word) ? 'bad' : 'unclear'
}
