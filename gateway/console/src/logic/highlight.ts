/** Marking what was searched for. */

export interface Part {
  text: string
  hit: boolean
}

/**
 * Splits a text into parts that are marked and parts that are not.
 *
 * @param text what is shown
 * @param marks start and end of each mark in characters, in order
 */
export function highlight(text: string, marks: readonly (readonly number[])[]): Part[] {
  const characters = [...text]
  const parts: Part[] = []
  let end = 0
  for (const [start = 0, stop = 0] of marks) {
    if (start > end) parts.push({ text: characters.slice(end, start).join(''), hit: false })
    parts.push({ text: characters.slice(start, stop).join(''), hit: true })
    end = stop
  }
  if (end < characters.length || parts.length === 0) {
    parts.push({ text: characters.slice(end).join(''), hit: false })
  }
  return parts
}
