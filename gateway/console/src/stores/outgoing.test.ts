import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Problem } from '@/api/http'
import type { Me } from '@/api/types'
import { useOutgoing, type Outgoing } from './outgoing'
import { useSession } from './session'

interface Sent {
  path: string
  key: string
  body: Record<string, unknown>
}

/** The network: requests as they went out, and how each is answered. */
const sent: Sent[] = []
let replies: (() => Response | Promise<Response>)[] = []

const stored = (id: string) => () => Response.json({ id, kind: 'agent' }, { status: 201 })
const refused = (status: number, code: string, headers = {}) => () =>
  Response.json({ code, detail: '' }, { status, headers })
const unreachable = () => Promise.reject(new TypeError('Failed to fetch'))

function signIn(id: string): void {
  useSession().me = { agent: { id }, rights: [] } as unknown as Me
}

function write(text: string, more: Partial<Outgoing> = {}): Outgoing {
  return useOutgoing().add({
    conversationId: 'c1',
    customer: 'Wang',
    kind: 'agent',
    text,
    attachments: [],
    letter: null,
    expectedSeq: 4,
    afterSeq: 4,
    ...more,
  })
}

beforeEach(() => {
  setActivePinia(createPinia())
  signIn('ann')
  sent.length = 0
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    const headers = init.headers as Record<string, string>
    const body = JSON.parse(String(init.body)) as Record<string, unknown>
    sent.push({ path, key: headers['Idempotency-Key']!, body })
    return Promise.resolve(replies.shift()!())
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('outgoing messages', () => {
  it.each([
    ['unreachable', unreachable, 'offline'],
    ['busy', refused(503, 'unavailable'), 'unavailable'],
    ['outrun', refused(409, 'conflict'), 'conflict'],
    ['claimed', refused(409, 'already_claimed'), 'already_claimed'],
    ['signed out', refused(401, 'not_signed_in'), 'not_signed_in'],
    ['garbled', () => new Response('<html>', { status: 201 }), 'internal'],
  ])('stay with their problem when the server is %s', async (_, reply, code) => {
    replies = [reply, stored('m1')]
    const outgoing = useOutgoing()
    const own = write('Hello')
    expect(await outgoing.transmit(own)).toBeInstanceOf(Problem)
    expect(outgoing.of('c1').map((each) => [each.text, each.problem?.code])).toEqual([
      ['Hello', code],
    ])
    expect(outgoing.failedIn.has('c1')).toBe(true)
    await outgoing.transmit(own)
    expect(outgoing.isEmpty).toBe(true)
    expect(sent[1]!.key).toBe(sent[0]!.key)
  })

  it('are told apart though they say the same', async () => {
    let answerFirst = (_: Response) => {}
    replies = [() => new Promise((go) => (answerFirst = go)), stored('m2')]
    const outgoing = useOutgoing()
    const [first, second] = [write('好'), write('好')]
    const slow = outgoing.transmit(first)
    await outgoing.transmit(second)
    expect(outgoing.of('c1').map((own) => own.key)).toEqual([first.key])
    expect([...outgoing.answered]).toEqual(['m2'])
    answerFirst(stored('m1')())
    await slow
    expect([outgoing.isEmpty, outgoing.answered.size]).toEqual([true, 0])
  })

  it('ask again for the answer of a request that still runs', async () => {
    vi.useFakeTimers()
    replies = [refused(409, 'in_progress', { 'Retry-After': '2' }), stored('m1')]
    const outgoing = useOutgoing()
    const result = outgoing.transmit(write('Hello'))
    await vi.advanceTimersByTimeAsync(1900)
    expect([sent.length, outgoing.failed.length]).toEqual([1, 0])
    await vi.advanceTimersByTimeAsync(200)
    expect(await result).toMatchObject({ id: 'm1' })
    expect(sent[1]!.key).toBe(sent[0]!.key)
  })

  it('give up asking in the end, and stay', async () => {
    vi.useFakeTimers()
    replies = Array.from({ length: 99 }, () => refused(409, 'in_progress'))
    const result = useOutgoing().transmit(write('Hello'))
    await vi.runAllTimersAsync()
    expect(await result).toMatchObject({ code: 'in_progress' })
    expect(useOutgoing().failed.length).toBe(1)
  })

  it('are neither shown to nor sent for whoever signs in next', async () => {
    replies = [unreachable]
    const outgoing = useOutgoing()
    const own = write('Hello')
    await outgoing.transmit(own)
    signIn('bob')
    expect([outgoing.of('c1'), outgoing.failedIn.size, outgoing.isEmpty]).toEqual([[], 0, false])
    expect(await outgoing.transmit(own)).toMatchObject({ code: 'not_signed_in' })
    expect(sent.length).toBe(1)
    signIn('ann')
    expect(outgoing.of('c1').length).toBe(1)
    outgoing.dropAllOf('ann')
    expect(outgoing.isEmpty).toBe(true)
  })

  it('carry files and what was read before; notes neither', async () => {
    replies = [stored('m1'), stored('m2')]
    const upload = { upload_id: 'u1', name: 'a', mime: 'b', size: 1, thumbnail_url: null }
    await useOutgoing().transmit(write('Hello', { attachments: [upload] }))
    await useOutgoing().transmit(write('Psst', { kind: 'note', expectedSeq: undefined }))
    expect(sent.map(({ path, body }) => [path, body])).toEqual([
      ['/api/v1/conversations/c1/messages', { text: 'Hello', attachments: ['u1'], expected_seq: 4 }],
      ['/api/v1/conversations/c1/notes', { text: 'Psst' }],
    ])
  })
})
