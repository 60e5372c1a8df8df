import { describe, expect, it } from 'vitest'
import type { ConversationRow, Message } from '@/api/types'
import {
  appendRows,
  belongs,
  gapAfter,
  isNewer,
  mergeMessages,
  placeRow,
  type RowFilter,
  withoutTwins,
} from './lists'

function row(id: string, at: string, over: Partial<ConversationRow> = {}): ConversationRow {
  return {
    id,
    inbox: { id: 'i1', name: 'Web', kind: 'webchat' },
    contact: { id: 'c1', name: '王芳' },
    controller: 'queue',
    status: 'open',
    agent: null,
    team: { id: 't1', name: 'First line' },
    ticket: null,
    language: 'zh-Hans',
    subject: '',
    preview: '',
    unread: 0,
    waiting_since: null,
    last_message_at: at,
    last_seq: 1,
    version: 1,
    created_at: at,
    ...over,
  }
}

function message(id: string, seq: number, over: Partial<Message> = {}): Message {
  return {
    id,
    conversation_id: 'a',
    seq,
    kind: 'agent',
    state: 'pending',
    author: null,
    text: '',
    payload: null,
    choices: [],
    attachments: [],
    article: null,
    failure: null,
    failure_words: null,
    letter: null,
    created_at: '2026-11-22T08:00:00.000Z',
    sent_at: null,
    details: {},
    trail: [],
    ...over,
  }
}

const ids = (rows: readonly { id: string }[]) => rows.map((r) => r.id)

describe('placeRow', () => {
  const rows = [row('c', '2026-01-03'), row('b', '2026-01-02'), row('a', '2026-01-01')]

  it('moves a row with a newer message to the top', () => {
    expect(ids(placeRow(rows, row('a', '2026-01-04'), true, true))).toEqual(['a', 'c', 'b'])
  })

  it('takes out what no longer belongs', () => {
    expect(ids(placeRow(rows, row('b', '2026-01-04'), false, true))).toEqual(['c', 'a'])
  })

  it('leaves what is older than the last row to the next page', () => {
    expect(ids(placeRow(rows, row('z', '2025-12-31'), true, true))).toEqual(['c', 'b', 'a'])
    expect(ids(placeRow(rows, row('z', '2025-12-31'), true, false))).toEqual(['c', 'b', 'a', 'z'])
  })

  it('keeps equal times in one order', () => {
    const same = placeRow([row('x', '2026-01-03')], row('y', '2026-01-03'), true, false)
    expect(ids(same)).toEqual(['y', 'x'])
    expect(ids(placeRow(same, row('x', '2026-01-03'), true, false))).toEqual(['y', 'x'])
  })
})

describe('belongs', () => {
  const filter = (view: RowFilter['view'], over: Partial<RowFilter> = {}): RowFilter => ({
    view,
    inboxId: null,
    teamId: null,
    severity: null,
    ...over,
  })

  it('tells the views apart', () => {
    const mine = row('a', '2026', { controller: 'agent', agent: { id: 'me', name: 'Me' } })
    expect(belongs(mine, filter('mine'), 'me')).toBe(true)
    expect(belongs(mine, filter('mine'), 'other')).toBe(false)
    expect(belongs(mine, filter('unassigned'), 'me')).toBe(false)
    expect(belongs({ ...mine, status: 'solved' }, filter('mine'), 'me')).toBe(false)
    expect(belongs({ ...mine, status: 'solved' }, filter('solved'), 'me')).toBe(true)
    expect(belongs(row('b', '2026', { controller: 'bot' }), filter('bot'), 'me')).toBe(true)
  })

  it('filters by inbox, team and severity', () => {
    const plain = row('a', '2026')
    expect(belongs(plain, filter('all', { inboxId: 'i2' }), 'me')).toBe(false)
    expect(belongs(plain, filter('all', { teamId: 't1' }), 'me')).toBe(true)
    expect(belongs(plain, filter('all', { severity: 'urgent' }), 'me')).toBe(false)
  })
})

describe('rows that cross', () => {
  it('does not take an older version', () => {
    const known = row('a', '2026', { version: 3, last_seq: 5 })
    expect(isNewer(row('a', '2026', { version: 2, last_seq: 9 }), known)).toBe(false)
    expect(isNewer(row('a', '2026', { version: 3, last_seq: 6 }), known)).toBe(true)
    expect(isNewer(row('a', '2026', { version: 3, last_seq: 4 }), known)).toBe(false)
  })

  it('appends a page without doubles', () => {
    expect(ids(appendRows([row('a', '2')], [row('a', '2'), row('b', '1')]))).toEqual(['a', 'b'])
  })
})

describe('mergeMessages', () => {
  it('orders by seq and keeps each once', () => {
    const merged = mergeMessages([message('b', 2)], [message('a', 1), message('b', 2)])
    expect(ids(merged)).toEqual(['a', 'b'])
  })

  it('does not go back to an earlier delivery state', () => {
    const merged = mergeMessages(
      [message('a', 1, { state: 'delivered' })],
      [message('a', 1, { state: 'sent' })],
    )
    expect(merged[0]!.state).toBe('delivered')
  })

  it('lets a failed message start again', () => {
    const merged = mergeMessages(
      [message('a', 1, { state: 'failed' })],
      [message('a', 1, { state: 'pending' })],
    )
    expect(merged[0]!.state).toBe('pending')
  })

  it('finds where messages are missing', () => {
    expect(gapAfter([message('a', 4), message('b', 5)])).toBeNull()
    expect(gapAfter([message('a', 4), message('b', 7)])).toBe(4)
  })
})

describe('own messages on their way', () => {
  const mine = { kind: 'agent', author: { id: 'me', name: 'Me' } } as const
  const talk = [
    message('a', 4, mine),
    message('b', 5, mine),
    message('c', 6),
    message('d', 7, { ...mine, author: { id: 'bob', name: 'Bob' } }),
    message('e', 8, { ...mine, kind: 'note' }),
    message('f', 9, { ...mine, kind: 'activity' }),
  ]
  const shown = (sending: { afterSeq: number }[], answered: string[] = []) =>
    ids(withoutTwins(talk, sending, new Set(answered), 'me'))

  it('are not shown twice until their answers tell which they are', () => {
    expect(shown([])).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    expect(shown([{ afterSeq: 4 }])).toEqual(['a', 'c', 'd', 'f'])
    expect(shown([{ afterSeq: 6 }, { afterSeq: 4 }], ['b'])).toEqual(['a', 'b', 'c', 'd', 'f'])
  })
})
