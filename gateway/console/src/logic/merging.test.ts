import { describe, expect, it } from 'vitest'
import type { IntentBody, Utterance } from '@/api/catalogue'
import { mergeIntents, onlyIn } from './merging'

const said = (text: string, entity = ''): Utterance => ({
  text,
  language: 'en',
  entities: entity
    ? [{ entity, start: 0, end: 1, value: text[0]!, role: null, group: null }]
    : [],
})
const intent = (...utterances: Utterance[]): IntentBody => ({
  group: '',
  description: '',
  utterances,
  checks: [],
})
const texts = (body: IntentBody) => (body.utterances ?? []).map((each) => each.text)

describe('two versions of an intent', () => {
  it('keep what either added and drop what either removed', () => {
    const base = intent(said('a'), said('b'), said('c'))
    const mine = intent(said('a'), said('b'), said('mine'))
    const theirs = intent(said('b'), said('c'), said('theirs'))
    expect(texts(mergeIntents(base, mine, theirs))).toEqual(['b', 'mine', 'theirs'])
  })

  it('take their marks on a sentence that I left alone', () => {
    const base = intent(said('a'))
    const merged = mergeIntents(base, intent(said('a')), intent(said('a', 'thing')))
    expect(merged.utterances).toEqual([said('a', 'thing')])
  })

  it('prefer my words where both changed the description', () => {
    const base = { ...intent(), description: 'old', group: 'old' }
    const mine = { ...base, description: 'mine' }
    const theirs = { ...base, description: 'theirs', group: 'new' }
    expect(mergeIntents(base, mine, theirs)).toMatchObject({ description: 'mine', group: 'new' })
  })

  it('tell what only one of them has', () => {
    const found = onlyIn(intent(said('a'), said('b', 'thing')), intent(said('a'), said('b')))
    expect(found.map((each) => each.sentence.text)).toEqual(['b'])
  })
})
