import { describe, expect, it } from 'vitest'
import type { Utterance } from '@/api/catalogue'
import { mark, pieces, readsAs, retype, toPoints, toUnits } from './spans'

const sentence = (text: string): Utterance => ({ text, language: 'en', entities: [] })
const marked = (text: string, word: string): Utterance =>
  mark(sentence(text), text.indexOf(word), text.indexOf(word) + word.length, 'thing')

describe('spans', () => {
  it('count characters outside and UTF-16 units inside', () => {
    const inside = marked('😀 my router blinks', 'router')
    expect(inside.entities?.[0]).toMatchObject({ start: 6, end: 12 })
    const outside = toPoints(inside)
    expect(outside.entities?.[0]).toMatchObject({ start: 5, end: 11, value: 'router' })
    expect(toUnits(outside)).toEqual(inside)
  })

  it('lose the outer white space with the sentence', () => {
    const outside = toPoints(marked('  the router ', 'router'))
    expect(outside.text).toBe('the router')
    expect(outside.entities?.[0]).toMatchObject({ start: 4, end: 10 })
  })

  it('replace those that they overlap, and leave white space out', () => {
    const twice = mark(marked('the new router', 'new'), 3, 14, 'device')
    expect(twice.entities).toEqual([
      { entity: 'device', start: 4, end: 14, value: 'new router', role: null, group: null },
    ])
    expect(mark(sentence('a  b'), 1, 3, 'thing').entities).toEqual([])
  })

  it('move with their words and go when their words change', () => {
    const before = marked('the router blinks', 'router')
    const later = retype(before, 'my new router blinks')
    expect(pieces(later.text, later.entities ?? []).map((piece) => piece.text)).toEqual([
      'my new ',
      'router',
      ' blinks',
    ])
    expect(retype(before, 'the router is off').entities).toEqual(before.entities)
    expect(retype(before, 'the rooter blinks').entities).toEqual([])
  })

  it('cut a sentence into its pieces', () => {
    const both = mark(marked('order 7 of Ann', '7'), 11, 14, 'who')
    expect(pieces(both.text, both.entities ?? []).map((p) => [p.text, p.span?.entity ?? null])).toEqual([
      ['order ', null],
      ['7', 'thing'],
      [' of ', null],
      ['Ann', 'who'],
    ])
  })

  it('know Chinese by its characters', () => {
    expect(readsAs('我的Key坏了')).toBe('zh')
    expect(readsAs('my key broke')).toBe('en')
  })
})
