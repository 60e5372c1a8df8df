/** Two editors' versions of one intent: what differs, and both together. */
import type { IntentBody, Utterance } from '@/api/catalogue'

export interface Difference {
  shelf: 'utterances' | 'checks'
  sentence: Utterance
}

const SHELVES = ['utterances', 'checks'] as const
const same = (a: Utterance, b: Utterance) => keyOf(a) === keyOf(b)
const keyOf = ({ text, language, entities }: Utterance) =>
  JSON.stringify([text, language, (entities ?? []).map((e) => [e.entity, e.start, e.end, e.value, e.role ?? null, e.group ?? null])])

/** The sentences that one has and the other has not. */
export function onlyIn(one: IntentBody, other: IntentBody): Difference[] {
  return SHELVES.flatMap((shelf) => {
    const known = new Set((other[shelf] ?? []).map(keyOf))
    return (one[shelf] ?? [])
      .filter((sentence) => !known.has(keyOf(sentence)))
      .map((sentence) => ({ shelf, sentence }))
  })
}

/**
 * Mine on top of theirs: what either added stays, what either removed goes. Where both changed
 * the same sentence, or the group or description, mine counts.
 */
export function mergeIntents(base: IntentBody, mine: IntentBody, theirs: IntentBody): IntentBody {
  const told = (field: 'group' | 'description') =>
    (mine[field] ?? '') === (base[field] ?? '') ? theirs[field] : mine[field]
  const merged: IntentBody = { ...mine, group: told('group'), description: told('description') }
  for (const shelf of SHELVES) {
    const [was, own, other] = [base[shelf] ?? [], mine[shelf] ?? [], theirs[shelf] ?? []]
    const removed = was.filter((sentence) => !other.some((each) => same(each, sentence)))
    const kept = own.filter((sentence) => !removed.some((each) => same(each, sentence)))
    const texts = new Set([...was, ...own].map((sentence) => sentence.text))
    const added = other.filter((sentence) => !texts.has(sentence.text))
    const remarked = other.filter(
      (sentence) =>
        was.some((each) => each.text === sentence.text && !same(each, sentence)) &&
        !kept.some((each) => each.text === sentence.text) &&
        own.some((each) => each.text === sentence.text),
    )
    merged[shelf] = [...kept, ...remarked, ...added]
  }
  return merged
}
