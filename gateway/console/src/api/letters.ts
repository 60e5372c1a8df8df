/** Letters and mailboxes: one function per endpoint. */
import { request } from './http'
import type {
  ChannelTrial,
  ChannelTrialResult,
  Conversation,
  DayBalance,
  DiscardedMessage,
  HeldItem,
  InboxHealth,
  Items,
  LetterDefaults,
  Message,
  NewForward,
  NewLetter,
} from './types'

const get = <T>(path: string, query = {}) => request<T>('GET', path, { query })
const post = <T>(path: string, body: unknown = {}, idempotencyKey?: string) =>
  request<T>('POST', path, { body, idempotencyKey })
const message = (id: string) => `/messages/${encodeURIComponent(id)}`
const inbox = (id: string) => `/inboxes/${encodeURIComponent(id)}`

export const letters = {
  begin: (letter: NewLetter, key: string) => post<Conversation>('/conversations', letter, key),
  draft: (conversationId: string) =>
    get<LetterDefaults>(`/conversations/${encodeURIComponent(conversationId)}/letter`),
  forward: (id: string, wish: NewForward, key: string) =>
    post<Message>(`${message(id)}/forward`, wish, key),

  held: (query: { inbox_id: string | null; reason: string | null }) =>
    get<Items<HeldItem>>('/messages/held', query),
  discarded: (query: { inbox_id: string | null }) =>
    get<Items<DiscardedMessage>>('/operations/discarded', query),
  balance: (offset_minutes: number) =>
    get<Items<DayBalance>>('/operations/balance', { offset_minutes }),
  decide: (id: string, what: 'join' | 'release' | 'restore') =>
    post<Message>(`${message(id)}/${what}`),
  discard: (id: string, reason: string) => post<Message>(`${message(id)}/discard`, { reason }),
  separate: (id: string) => post<Conversation>(`${message(id)}/separate`),

  tryOut: (kind: string, trial: ChannelTrial) =>
    post<ChannelTrialResult>(`/channel-kinds/${encodeURIComponent(kind)}/test`, trial),
  health: (inboxId: string) => get<InboxHealth>(`${inbox(inboxId)}/health`),
  catchUp: (inboxId: string, since: string) => post<void>(`${inbox(inboxId)}/catch-up`, { since }),
}
