/**
 * Entity spans in a sentence under work.
 *
 * The API counts characters as Unicode does, the browser UTF-16 units: an emoji is one there and
 * two here. While a sentence is edited its spans count in units.
 */
import type { Span, Utterance } from '@/api/catalogue'

export interface Piece {
  text: string
  span: Span | null
}

const points = (text: string) => [...text].length

/** From Unicode characters, as they came, to UTF-16 units. */
export function toUnits(sentence: Utterance): Utterance {
  const characters = [...sentence.text]
  const units = (count: number) => characters.slice(0, count).join('').length
  const spans = sentence.entities ?? []
  return {
    ...sentence,
    entities: spans.map((span) => ({ ...span, start: units(span.start), end: units(span.end) })),
  }
}

/** From UTF-16 units to Unicode characters, as they are sent; the outer white space goes. */
export function toPoints(sentence: Utterance): Utterance {
  const { text } = sentence
  const kept = text.trim()
  const lead = text.length - text.trimStart().length
  const place = (unit: number) => points(kept.slice(0, Math.max(0, unit - lead)))
  const entities = (sentence.entities ?? [])
    .map((span) => ({ ...span, start: place(span.start), end: place(span.end) }))
    .filter((span) => span.end > span.start)
  return { ...sentence, text: kept, entities }
}

/** The sentence cut at its spans. */
export function pieces(text: string, spans: readonly Span[]): Piece[] {
  const found: Piece[] = []
  let at = 0
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    if (span.start > at) found.push({ text: text.slice(at, span.start), span: null })
    found.push({ text: text.slice(span.start, span.end), span })
    at = span.end
  }
  if (at < text.length) found.push({ text: text.slice(at), span: null })
  return found
}

/** Marks a part as an entity; what overlapped it gives way. White space at its ends is left out. */
export function mark(sentence: Utterance, from: number, to: number, entity: string): Utterance {
  let start = Math.min(from, to)
  let end = Math.max(from, to)
  while (start < end && /\s/.test(sentence.text[start]!)) start += 1
  while (end > start && /\s/.test(sentence.text[end - 1]!)) end -= 1
  if (start === end) return sentence
  const value = sentence.text.slice(start, end)
  const others = (sentence.entities ?? []).filter((span) => span.end <= start || span.start >= end)
  const span: Span = { entity, start, end, value, role: null, group: null }
  return { ...sentence, entities: [...others, span].sort((a, b) => a.start - b.start) }
}

/** Takes a new text: spans move along with their words, and go when their words were changed. */
export function retype(sentence: Utterance, text: string): Utterance {
  const old = sentence.text
  const most = Math.min(old.length, text.length)
  let head = 0
  while (head < most && old[head] === text[head]) head += 1
  let tail = 0
  while (tail < most - head && old[old.length - 1 - tail] === text[text.length - 1 - tail]) tail += 1
  const moved = text.length - old.length
  const entities = (sentence.entities ?? []).flatMap((span) => {
    if (span.end <= head) return [span]
    if (span.start >= old.length - tail) {
      return [{ ...span, start: span.start + moved, end: span.end + moved }]
    }
    return []
  })
  return { ...sentence, text, entities }
}

/** The language that a sentence reads as. */
export function readsAs(text: string): Utterance['language'] {
  return /[\u3400-\u9fff]/.test(text) ? 'zh' : 'en'
}
