/** What an agent began to write, kept per conversation in this browser. */

const PREFIX = 'yingda.draft.'
const KEPT = 200

export interface Draft {
  text: string
  isNote: boolean
  at: number
}

export function readDraft(conversationId: string): Draft | null {
  const stored = localStorage.getItem(PREFIX + conversationId)
  return stored === null ? null : (JSON.parse(stored) as Draft)
}

export function keepDraft(conversationId: string, text: string, isNote: boolean): void {
  if (text.trim() === '') {
    localStorage.removeItem(PREFIX + conversationId)
    return
  }
  const draft: Draft = { text, isNote, at: Date.now() }
  localStorage.setItem(PREFIX + conversationId, JSON.stringify(draft))
  dropOldest()
}

/** Storage is small: beyond a number of drafts the oldest go. */
function dropOldest(): void {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))
  if (keys.length <= KEPT) return
  const age = (key: string) => (JSON.parse(localStorage.getItem(key) ?? '{}') as Draft).at ?? 0
  const oldest = keys.sort((a, b) => age(a) - age(b)).slice(0, keys.length - KEPT)
  for (const key of oldest) localStorage.removeItem(key)
}
