/** What an agent began to write, kept per agent and conversation in this browser. */
import type { Upload } from '@/api/types'
import { isBegun, newLetter, type LetterDraft } from './letters'
import { dropStored, readStored, store, storedKeys } from './storage'

const KEPT = 200

export interface Draft {
  text: string
  isNote: boolean
  files: Upload[]
  /** Where the channel carries letters. */
  letter: LetterDraft | null
  at: number
}

/** What the storage would not take: it lasts as long as the page. */
const unstored = new Map<string, Draft>()

const prefixOf = (agentId: string) => `yingda.draft.${agentId}.`

export function readDraft(agentId: string, conversationId: string): Draft | null {
  const key = prefixOf(agentId) + conversationId
  return unstored.get(key) ?? parse(readStored(key))
}

/** Keeps what is written, or forgets the draft when nothing is. */
export function keepDraft(
  agentId: string,
  conversationId: string,
  written: Omit<Draft, 'at'>,
): void {
  const prefix = prefixOf(agentId)
  const key = prefix + conversationId
  unstored.delete(key)
  const isEmpty = written.text.trim() === '' && written.files.length === 0
  if (isEmpty && !(written.letter && isBegun(written.letter))) {
    dropStored(key)
    return
  }
  const draft: Draft = { ...written, at: Date.now() }
  if (store(key, JSON.stringify(draft))) dropOldest(prefix)
  else unstored.set(key, draft)
}

export function countDrafts(agentId: string): number {
  return keysOf(prefixOf(agentId)).size
}

export function clearDrafts(agentId: string): void {
  for (const key of keysOf(prefixOf(agentId))) {
    dropStored(key)
    unstored.delete(key)
  }
}

function keysOf(prefix: string): Set<string> {
  const open = [...unstored.keys()].filter((key) => key.startsWith(prefix))
  return new Set([...storedKeys(prefix), ...open])
}

/** Storage is small: beyond a number of drafts the oldest go. */
function dropOldest(prefix: string): void {
  const keys = storedKeys(prefix)
  if (keys.length <= KEPT) return
  const age = (key: string) => parse(readStored(key))?.at ?? 0
  const oldest = keys.sort((a, b) => age(a) - age(b)).slice(0, keys.length - KEPT)
  for (const key of oldest) dropStored(key)
}

/** The draft in a stored text; null when it is damaged. */
function parse(stored: string | null): Draft | null {
  if (stored === null) return null
  try {
    const found = JSON.parse(stored) as Partial<Draft> | null
    if (typeof found?.text !== 'string') return null
    return {
      text: found.text,
      isNote: found.isNote === true,
      files: Array.isArray(found.files) ? found.files.filter(isUpload) : [],
      letter: typeof found.letter?.html === 'string' ? { ...newLetter(), ...found.letter } : null,
      at: Number(found.at) || 0,
    }
  } catch {
    return null
  }
}

function isUpload(value: Partial<Upload> | null): value is Upload {
  return (
    typeof value?.upload_id === 'string' &&
    typeof value.name === 'string' &&
    typeof value.size === 'number'
  )
}
