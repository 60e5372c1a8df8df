/** Keeping lists true while events arrive: each row once, newest first, no stale overwrites. */
import type { ConversationRow, Message, Severity, View } from '@/api/types'

export interface RowFilter {
  view: View
  inboxId: string | null
  teamId: string | null
  severity: Severity | null
}

/** Whether a conversation stands in a list, by the rule of the server. */
export function belongs(row: ConversationRow, filter: RowFilter, myId: string): boolean {
  if (filter.inboxId && row.inbox.id !== filter.inboxId) return false
  if (filter.teamId && row.team?.id !== filter.teamId) return false
  if (filter.severity && row.ticket?.severity !== filter.severity) return false
  const solved = row.status === 'solved'
  switch (filter.view) {
    case 'mine':
      return !solved && row.agent?.id === myId
    case 'unassigned':
      return !solved && row.controller === 'queue'
    case 'bot':
      return !solved && row.controller === 'bot'
    case 'solved':
      return solved
    case 'all':
      return true
  }
}

/** Newest message first; equal times in the server's order, by id downwards. */
export function compareRows(a: ConversationRow, b: ConversationRow): number {
  if (a.last_message_at !== b.last_message_at) {
    return a.last_message_at < b.last_message_at ? 1 : -1
  }
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0
}

/** Whether `next` is at least as new as `known`: frames and answers may cross. */
export function isNewer(next: ConversationRow, known: ConversationRow | undefined): boolean {
  if (!known) return true
  return next.version > known.version
    ? true
    : next.version === known.version && next.last_seq >= known.last_seq
}

/**
 * The list after a row changed.
 *
 * @param rows in order.
 * @param row as it now is.
 * @param stays whether it belongs to the list.
 * @param hasMore whether pages beyond the last row are still on the server: what would stand
 *   there is left to them.
 */
export function placeRow(
  rows: readonly ConversationRow[],
  row: ConversationRow,
  stays: boolean,
  hasMore: boolean,
): ConversationRow[] {
  const rest = rows.filter((other) => other.id !== row.id)
  if (!stays) return rest
  const at = rest.findIndex((other) => compareRows(row, other) < 0)
  if (at >= 0) rest.splice(at, 0, row)
  else if (!hasMore || rest.length === 0) rest.push(row)
  return rest
}

/** A further page under what is there already. */
export function appendRows(
  rows: readonly ConversationRow[],
  page: readonly ConversationRow[],
): ConversationRow[] {
  const known = new Set(rows.map((row) => row.id))
  return [...rows, ...page.filter((row) => !known.has(row.id))]
}

const RANK = { pending: 0, sent: 1, delivered: 2, read: 3, failed: 4 } as const

/** Messages by seq, each once; of two versions of one the further delivered stays. */
export function mergeMessages(
  known: readonly Message[],
  incoming: readonly Message[],
): Message[] {
  const byId = new Map(known.map((message) => [message.id, message]))
  for (const message of incoming) {
    const old = byId.get(message.id)
    const isBehind =
      old !== undefined &&
      old.state !== 'failed' &&
      RANK[message.state] < RANK[old.state] &&
      message.trail.length <= old.trail.length
    byId.set(message.id, isBehind ? { ...message, state: old.state } : message)
  }
  return [...byId.values()].sort((a, b) => a.seq - b.seq)
}

/** The seq before which the first gap opens, so that what is missing can be fetched. */
export function gapAfter(messages: readonly Message[]): number | null {
  for (let i = 1; i < messages.length; i += 1) {
    const before = messages[i - 1]!
    if (messages[i]!.seq !== before.seq + 1) return before.seq
  }
  return null
}

/**
 * Messages without those that are still shown as on their way: an own message can come by the
 * socket before its request is answered, and only the answer tells which it is.
 *
 * @param messages in order.
 * @param sending what is on its way, each with the seq after which its message will stand.
 * @param answered ids of messages whose requests were answered.
 * @param myId who wrote what is on its way.
 */
export function withoutTwins(
  messages: readonly Message[],
  sending: readonly { afterSeq: number }[],
  answered: ReadonlySet<string>,
  myId: string,
): readonly Message[] {
  if (sending.length === 0) return messages
  const from = Math.min(...sending.map((own) => own.afterSeq))
  return messages.filter(
    (message) =>
      message.seq <= from ||
      message.author?.id !== myId ||
      (message.kind !== 'agent' && message.kind !== 'note') ||
      answered.has(message.id),
  )
}
