import { describe, expect, it } from 'vitest'
import { cardLines, type Card } from './card'

const words = {
  mood: (mood: string) => `mood:${mood}`,
  key: 'key',
  openTickets: (numbers: string) => `open ${numbers}`,
  comma: ', ',
}
const card: Card = {
  topic: 'refund',
  asked: ['我要退款'],
  tried: [],
  collected: { order: 'A-17' },
  answers: [['Lights?', 'off']],
  mood: 'calm',
  call_back: null,
  customer: null,
}

describe('the hand-off card', () => {
  it('tells what there is and leaves out the rest', () => {
    expect(cardLines(card, words)).toEqual([
      { name: 'topic', texts: ['refund'] },
      { name: 'asked', texts: ['我要退款'] },
      { name: 'collected', texts: ['order: A-17'] },
      { name: 'answers', texts: ['Lights? → off'] },
    ])
  })

  it('tells of mood and customer in the words of the reader', () => {
    const customer = { name: '', verified: false, key: true, tickets: 3, open_tickets: ['#1', '#2'] }
    const lines = cardLines({ ...card, mood: 'angry', customer }, words)
    expect(lines.slice(-2)).toEqual([
      { name: 'mood', texts: ['mood:angry'] },
      { name: 'customer', texts: ['key', 'open #1, #2'] },
    ])
  })
})
