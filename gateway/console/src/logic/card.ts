/** The bot's hand-off card as lines to read. */
import type { Ticket } from '@/api/types'

export type Card = NonNullable<Ticket['card']>

export interface CardLine {
  name: 'topic' | 'asked' | 'tried' | 'collected' | 'answers' | 'callBack' | 'mood' | 'customer'
  texts: string[]
}

/** Words that only the reader's language has. */
export interface CardWords {
  mood: (mood: Card['mood']) => string
  key: string
  openTickets: (numbers: string) => string
  comma: string
}

/** What there is to say, in the order of the card; what is missing or calm stays unsaid. */
export function cardLines(card: Card, words: CardWords): CardLine[] {
  const customer = card.customer
  const about = customer
    ? [
        customer.name,
        customer.key ? words.key : '',
        customer.open_tickets.length
          ? words.openTickets(customer.open_tickets.join(words.comma))
          : '',
      ]
    : []
  const lines: CardLine[] = [
    { name: 'topic', texts: [card.topic ?? ''] },
    { name: 'asked', texts: card.asked },
    { name: 'tried', texts: card.tried },
    { name: 'collected', texts: Object.entries(card.collected).map(([k, v]) => `${k}: ${v}`) },
    { name: 'answers', texts: card.answers.map(([question, answer]) => `${question} → ${answer}`) },
    { name: 'callBack', texts: [card.call_back ?? ''] },
    { name: 'mood', texts: card.mood === 'calm' ? [] : [words.mood(card.mood)] },
    { name: 'customer', texts: about },
  ]
  return lines
    .map((line) => ({ ...line, texts: line.texts.filter(Boolean) }))
    .filter((line) => line.texts.length > 0)
}
