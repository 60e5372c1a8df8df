/** The open conversation: its messages, people and what can be done with it. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { api } from '@/api/endpoints'
import { asProblem, Problem } from '@/api/http'
import type {
  Contact,
  Conversation,
  ConversationRow,
  Message,
  MessageState,
  Named,
  Severity,
  Ticket,
  TicketKind,
  TicketState,
  Upload,
} from '@/api/types'
import { gapAfter, isNewer, mergeMessages } from '@/logic/lists'
import { useInbox } from './inbox'
import { useSession } from './session'

const PAGE = 50
const TYPING_LASTS_MS = 6000

/** A message on its way to the server. */
export interface Outgoing {
  key: string
  kind: 'agent' | 'note'
  text: string
  attachments: Upload[]
  expectedSeq: number | undefined
  createdAt: string
  problem: Problem | null
}

/** An action on the conversation that is under way. */
export type Action =
  | 'claim'
  | 'release'
  | 'hand-back'
  | 'assign'
  | 'solve'
  | 'reopen'
  | 'pending'
  | 'severity'
  | 'kind'

interface Typer {
  name: string
  until: number
}

export const useThread = defineStore('thread', () => {
  const session = useSession()
  const inbox = useInbox()

  const id = ref<string | null>(null)
  const conversation = shallowRef<Conversation | null>(null)
  const ticket = shallowRef<Ticket | null>(null)
  const messages = shallowRef<Message[]>([])
  const outgoing = ref<Outgoing[]>([])
  const hasOlder = ref(false)
  const loading = ref(false)
  const loadingOlder = ref(false)
  const problem = ref<Problem | null>(null)
  const actionProblem = ref<Problem | null>(null)
  const running = ref<Action | null>(null)
  const viewers = ref<Named[]>([])
  const customerTyping = shallowRef<Typer | null>(null)
  const agentTyping = shallowRef<Typer | null>(null)
  /** The newest message that the agent had before their eyes. */
  const seenSeq = ref(0)

  const lastSeq = computed(() => messages.value.at(-1)?.seq ?? 0)
  const isMine = computed(
    () =>
      conversation.value?.controller === 'agent' && conversation.value.agent?.id === session.id,
  )
  const heldBy = computed(() => {
    const holder = conversation.value?.controller === 'agent' ? conversation.value.agent : null
    return holder && holder.id !== session.id ? holder : null
  })
  const otherViewers = computed(() => viewers.value.filter((agent) => agent.id !== session.id))
  const unseenFromCustomer = computed(() =>
    messages.value.filter((m) => m.kind === 'customer' && m.seq > seenSeq.value),
  )

  let turn = 0
  let abort = new AbortController()
  let filling = false

  async function open(next: string): Promise<void> {
    const mine = ++turn
    abort.abort()
    abort = new AbortController()
    id.value = next
    conversation.value = null
    ticket.value = null
    messages.value = []
    outgoing.value = []
    viewers.value = []
    customerTyping.value = null
    agentTyping.value = null
    seenSeq.value = 0
    problem.value = null
    actionProblem.value = null
    loading.value = true
    try {
      const [found, page] = await Promise.all([
        api.conversation(next, abort.signal),
        api.messages(next, { limit: PAGE }, abort.signal),
      ])
      if (mine !== turn) return
      conversation.value = found
      messages.value = mergeMessages(messages.value, page.items)
      hasOlder.value = page.has_more
      void loadTicket()
    } catch (error) {
      if (mine === turn) problem.value = asProblem(error)
    } finally {
      if (mine === turn) loading.value = false
    }
  }

  function close(): void {
    turn += 1
    abort.abort()
    id.value = null
    conversation.value = null
    ticket.value = null
    messages.value = []
    outgoing.value = []
    viewers.value = []
    customerTyping.value = null
    agentTyping.value = null
    problem.value = null
  }

  async function loadTicket(): Promise<void> {
    const brief = conversation.value?.ticket
    if (!brief) {
      ticket.value = null
      return
    }
    const mine = turn
    try {
      const found = await api.ticket(brief.id)
      if (mine === turn) ticket.value = found
    } catch {
      // The brief facts in the header stand; the panel offers to try again.
    }
  }

  async function loadOlder(): Promise<void> {
    const first = messages.value[0]
    if (!id.value || !first || loadingOlder.value || !hasOlder.value) return
    const mine = turn
    loadingOlder.value = true
    try {
      const page = await api.messages(id.value, { before: first.seq, limit: PAGE })
      if (mine !== turn) return
      messages.value = mergeMessages(messages.value, page.items)
      hasOlder.value = page.has_more
    } catch (error) {
      if (mine === turn) actionProblem.value = asProblem(error)
    } finally {
      loadingOlder.value = false
    }
  }

  /** Fetches what was missed: after a reconnection, or where a gap shows. */
  async function catchUp(after = lastSeq.value): Promise<void> {
    if (!id.value || filling) return
    const mine = turn
    filling = true
    try {
      let from = after
      for (;;) {
        const page = await api.messages(id.value, { after: from, limit: 100 })
        if (mine !== turn) return
        messages.value = mergeMessages(messages.value, page.items)
        const last = page.items.at(-1)
        if (!page.has_more || !last) break
        from = last.seq
      }
    } finally {
      filling = false
    }
  }

  async function resync(): Promise<void> {
    if (!id.value) return
    const mine = turn
    const open = id.value
    // States of messages shown may have changed too, so the newest page is read again.
    const [found, page] = await Promise.all([
      api.conversation(open),
      api.messages(open, { limit: PAGE }),
    ])
    if (mine !== turn) return
    conversation.value = found
    const before = lastSeq.value
    messages.value = mergeMessages(messages.value, page.items)
    const first = page.items[0]
    if (first && before > 0 && first.seq > before + 1) await catchUp(before)
    void loadTicket()
  }

  function take(next: Conversation): void {
    if (next.id !== id.value) return
    conversation.value = next
    inbox.apply(asRow(next))
    if (next.ticket?.id !== ticket.value?.id || next.ticket?.state !== ticket.value?.state) {
      void loadTicket()
    }
  }

  function applyRow(row: ConversationRow): void {
    const known = conversation.value
    if (!known || row.id !== known.id || !isNewer(row, asRow(known))) return
    const contact = { ...known.contact, name: row.contact.name }
    conversation.value = { ...known, ...row, contact }
    if (row.ticket?.id !== ticket.value?.id) void loadTicket()
  }

  function applyMessage(message: Message): void {
    if (message.conversation_id !== id.value || loading.value) return
    if (message.kind === 'customer') customerTyping.value = null
    if (message.kind === 'agent') agentTyping.value = null
    dropTwin(message)
    messages.value = mergeMessages(messages.value, [message])
    const gap = gapAfter(messages.value)
    if (gap !== null) void catchUp(gap)
  }

  /** Our own message can come by the socket before its request is answered. */
  function dropTwin(message: Message): void {
    if (message.author?.id !== session.id) return
    const at = outgoing.value.findIndex(
      (own) => own.problem === null && own.kind === message.kind && own.text === message.text,
    )
    if (at >= 0) outgoing.value.splice(at, 1)
  }

  function applyStates(ids: string[], state: MessageState, failure: string | null): void {
    const wanted = new Set(ids)
    messages.value = messages.value.map((message) =>
      wanted.has(message.id) ? { ...message, state, failure } : message,
    )
  }

  function applyTicket(changed: Ticket): void {
    if (changed.conversation_id !== id.value) return
    if (conversation.value?.ticket && conversation.value.ticket.id !== changed.id) return
    ticket.value = changed
  }

  function applyTyping(who: 'customer' | 'agent', name: string, agentId?: string): void {
    const typer = { name, until: Date.now() + TYPING_LASTS_MS }
    const target = who === 'customer' ? customerTyping : agentTyping
    if (who === 'agent' && agentId === session.id) return
    target.value = typer
    // A later word replaces this one; only the last one's end counts.
    setTimeout(() => {
      if (target.value === typer) target.value = null
    }, TYPING_LASTS_MS)
  }

  async function run(action: Action, work: (id: string) => Promise<void>): Promise<boolean> {
    if (!id.value || running.value) return false
    running.value = action
    actionProblem.value = null
    try {
      await work(id.value)
      return true
    } catch (error) {
      actionProblem.value = asProblem(error)
      // What the server refused may rest on an old picture: show the present one.
      if (asProblem(error).status === 409) await resync().catch(() => undefined)
      return false
    } finally {
      running.value = null
    }
  }

  const claim = (force = false) => run('claim', async (it) => take(await api.claim(it, force)))
  const release = () => run('release', async (it) => take(await api.release(it)))
  const handBack = () => run('hand-back', async (it) => take(await api.handBack(it)))
  const solve = () => run('solve', async (it) => take(await api.solve(it)))
  const reopen = () => run('reopen', async (it) => take(await api.reopen(it)))
  const assign = (to: { agent_id?: string | null; team_id?: string | null }) =>
    run('assign', async (it) => take(await api.assign(it, to)))
  const wait = () => run('pending', () => changeTicket({ state: 'pending' }))

  async function setSeverity(severity: Severity): Promise<boolean> {
    return run('severity', () => changeTicket({ severity }))
  }

  async function setKind(kind: TicketKind): Promise<boolean> {
    return run('kind', () => changeTicket({ kind }))
  }

  /** Shows a change of the ticket at once and takes it back when the server refuses. */
  async function changeTicket(change: {
    severity?: Severity
    kind?: TicketKind
    state?: TicketState
  }): Promise<void> {
    const before = conversation.value
    const brief = before?.ticket
    if (!before || !brief) return
    if (!change.state) conversation.value = { ...before, ticket: { ...brief, ...change } }
    try {
      const changed = await api.changeTicket(brief.id, change)
      ticket.value = changed
      const now = conversation.value
      if (now?.id === before.id) take(await api.conversation(now.id))
    } catch (error) {
      if (conversation.value?.id === before.id) conversation.value = before
      throw error
    }
  }

  async function send(
    kind: 'agent' | 'note',
    text: string,
    attachments: Upload[],
    expectedSeq: number | undefined,
  ): Promise<Problem | null> {
    const own: Outgoing = {
      key: newKey(),
      kind,
      text,
      attachments,
      expectedSeq,
      createdAt: new Date().toISOString(),
      problem: null,
    }
    outgoing.value.push(own)
    return transmit(own.key)
  }

  /** Sends or sends again; the same key makes sure that it arrives once. */
  async function transmit(key: string): Promise<Problem | null> {
    const own = outgoing.value.find((other) => other.key === key)
    const target = id.value
    if (!own || !target) return null
    own.problem = null
    try {
      const message =
        own.kind === 'note'
          ? await api.note(target, own.text, own.key)
          : await api.reply(target, replyBody(own), own.key)
      dropOutgoing(key)
      if (target === id.value) {
        messages.value = mergeMessages(messages.value, [message])
        const gap = gapAfter(messages.value)
        if (gap !== null) void catchUp(gap)
        if (conversation.value?.controller !== 'agent') void resync().catch(() => undefined)
      }
      return null
    } catch (error) {
      const found = asProblem(error)
      const still = outgoing.value.find((other) => other.key === key)
      if (found.code === 'conflict' || found.code === 'already_claimed') {
        dropOutgoing(key)
        await resync().catch(() => undefined)
      } else if (still) {
        still.problem = found
      }
      return found
    }
  }

  function replyBody(own: Outgoing) {
    return {
      text: own.text,
      ...(own.attachments.length > 0
        ? { attachments: own.attachments.map((upload) => upload.upload_id) }
        : {}),
      ...(own.expectedSeq === undefined ? {} : { expected_seq: own.expectedSeq }),
    }
  }

  function dropOutgoing(key: string): void {
    outgoing.value = outgoing.value.filter((own) => own.key !== key)
  }

  async function resend(messageId: string): Promise<void> {
    try {
      messages.value = mergeMessages(messages.value, [await api.resend(messageId)])
    } catch (error) {
      actionProblem.value = asProblem(error)
    }
  }

  async function readTrail(messageId: string): Promise<void> {
    const { items } = await api.trail(messageId)
    messages.value = messages.value.map((message) =>
      message.id === messageId ? { ...message, trail: items } : message,
    )
  }

  /** The agent saw everything down to the end. */
  function markSeen(): void {
    seenSeq.value = lastSeq.value
    const open = conversation.value
    if (!open || open.unread === 0 || !isMine.value) return
    conversation.value = { ...open, unread: 0 }
    inbox.markRead(open.id)
    api.markRead(open.id).catch(() => undefined)
  }

  function takeContact(contact: Contact): void {
    if (conversation.value?.contact.id === contact.id) {
      conversation.value = { ...conversation.value, contact }
    }
  }

  return {
    id,
    conversation,
    ticket,
    messages,
    outgoing,
    hasOlder,
    loading,
    loadingOlder,
    problem,
    actionProblem,
    running,
    customerTyping,
    agentTyping,
    viewers,
    otherViewers,
    seenSeq,
    lastSeq,
    isMine,
    heldBy,
    unseenFromCustomer,
    open,
    close,
    loadTicket,
    loadOlder,
    catchUp,
    resync,
    applyRow,
    applyMessage,
    applyStates,
    applyTicket,
    applyTyping,
    claim,
    release,
    handBack,
    solve,
    reopen,
    assign,
    wait,
    setSeverity,
    setKind,
    send,
    transmit,
    dropOutgoing,
    resend,
    readTrail,
    markSeen,
    takeContact,
  }
})

/** A key that makes a request recognisable; also where the page is served without TLS. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function asRow(conversation: Conversation): ConversationRow {
  const { handle: _handle, thread: _thread, contact, ...row } = conversation
  return { ...row, contact: { id: contact.id, name: contact.name } }
}
