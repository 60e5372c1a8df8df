/** What letters have beyond chat: who gets them and what they are about. */
import type { Party } from './addresses'

export const RECIPIENT_KINDS = ['to', 'cc', 'bcc'] as const
export type Recipients = Record<(typeof RECIPIENT_KINDS)[number], Party[]>

/** A letter that is being written beside its plain text; what is null is as usual. */
export interface LetterDraft {
  recipients: Recipients | null
  subject: string | null
  html: string
}

export const newLetter = (): LetterDraft => ({ recipients: null, subject: null, html: '' })

/** Whether somebody chose anything. */
export const isBegun = (letter: LetterDraft): boolean =>
  letter.recipients !== null || letter.subject !== null

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
