/** Canned responses: finding them by what is typed, and filling their variables. */
import type { Canned } from '@/api/types'

export const VARIABLES = ['contact.name', 'agent.name', 'ticket.number'] as const
export type Variable = (typeof VARIABLES)[number]
export type Values = Partial<Record<Variable, string | number | null>>

const PLACEHOLDER = /\{\s*([a-z]+\.[a-z_]+)\s*\}/g

/** The text with its variables filled; those without a value stay, to be seen and mended. */
export function fill(text: string, values: Values): string {
  return text.replace(PLACEHOLDER, (whole, name: string) => {
    const value = (values as Record<string, string | number | null | undefined>)[name]
    return value === undefined || value === null || value === '' ? whole : String(value)
  })
}

/** Placeholders that stand in a text, each once. */
export function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map((match) => `{${match[1]}}`))]
}

export interface Slash {
  /** Where the `/` stands. */
  start: number
  word: string
}

/** The `/word` that ends at the cursor, at the start of a line or after a space. */
export function slashAt(text: string, cursor: number): Slash | null {
  const match = /(?:^|\s)\/([^\s/]*)$/.exec(text.slice(0, cursor))
  if (!match) return null
  const word = match[1] ?? ''
  return { start: cursor - word.length - 1, word }
}

/** Responses that fit a word: by shortcut first, then title, then text; the language first. */
export function findCanned(
  all: readonly Canned[],
  word: string,
  language: string,
  limit = 8,
): Canned[] {
  const wanted = word.toLocaleLowerCase()
  const rank = (canned: Canned): number => {
    const shortcut = canned.shortcut.toLocaleLowerCase()
    if (shortcut.startsWith(wanted)) return 0
    if (shortcut.includes(wanted)) return 1
    if (canned.title.toLocaleLowerCase().includes(wanted)) return 2
    return canned.text.toLocaleLowerCase().includes(wanted) ? 3 : 9
  }
  return all
    .map((canned) => ({ canned, rank: rank(canned), foreign: canned.language !== language }))
    .filter((entry) => entry.rank < 9)
    .sort(
      (a, b) =>
        a.rank - b.rank ||
        Number(a.foreign) - Number(b.foreign) ||
        a.canned.shortcut.localeCompare(b.canned.shortcut),
    )
    .slice(0, limit)
    .map((entry) => entry.canned)
}

// Promises that the service handbook forbids (H4.6): nobody can keep them for sure.
const PROMISES = /保证|保證|一定赔|一定賠|\bguarantee(?:d|s)?\b/gi

/** Wording that must not go to a customer, each once. */
export function forbiddenWords(text: string): string[] {
  return [...new Set([...text.matchAll(PROMISES)].map((match) => match[0]))]
}
