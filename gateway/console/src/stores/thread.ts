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
  Ticket,
} from '@/api/types'
import { customerName } from '@/composables/names'
import type { Party } from '@/logic/addresses'
import { gapAfter, isNewer, mergeMessages, withoutTwins } from '@/logic/lists'
import { useInbox } from './inbox'
import { useOutgoing, type Outgoing, type Writing } from './outgoing'
import { useSession } from './session'

const PAGE = 50
const TYPING_LASTS_MS = 6000

interface Typer {
  name: string
  until: number
}

export const useThread = defineStore('thread', () => {
  const session = useSession()
  const inbox = useInbox()
  const outgoing = useOutgoing()

  const id = ref<string | null>(null)
  const conversation = shallowRef<Conversation | null>(null)
  const ticket = shallowRef<Ticket | null>(null)
  const messages = shallowRef<Message[]>([])
  const hasOlder = ref(false)
  const loading = ref(false)
  const loadingOlder = ref(false)
  const problem = ref<Problem | null>(null)
  const actionProblem = ref<Problem | null>(null)
  const viewers = ref<Named[]>([])
  const customerTyping = shallowRef<Typer | null>(null)
  const agentTyping = shallowRef<Typer | null>(null)
  /** The newest message that the agent had before their eyes. */
  const seenSeq = ref(0)

  /** Messages written here that the server may not have yet. */
  const unsent = computed(() => outgoing.of(id.value))
  /** The messages without those that are still shown as on their way. */
  const shown = computed(() =>
    withoutTwins(
      messages.value,
      unsent.value.filter((own) => own.problem === null),
      outgoing.answered,
      session.id,
    ),
  )
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
  /** A message came while the first page was on its way, which may not have it. */
  let missed = false

  async function open(next: string): Promise<void> {
    const mine = ++turn
    abort.abort()
    abort = new AbortController()
    id.value = next
    conversation.value = null
    ticket.value = null
    messages.value = []
    viewers.value = []
    customerTyping.value = null
    agentTyping.value = null
    seenSeq.value = 0
    problem.value = null
    actionProblem.value = null
    loading.value = true
    missed = false
    try {
      const [found, page] = await Promise.all([
        api.conversation(next, abort.signal),
        api.messages(next, { limit: PAGE }, abort.signal),
      ])
      if (mine !== turn) return
      conversation.value = found
      messages.value = mergeMessages(messages.value, page.items)
      hasOlder.value = page.has_more
      if (missed) void catchUp().catch(() => undefined)
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
    if (message.conversation_id !== id.value) return
    if (loading.value) {
      missed = true
      return
    }
    if (message.kind === 'customer') customerTyping.value = null
    if (message.kind === 'agent') agentTyping.value = null
    messages.value = mergeMessages(messages.value, [message])
    const gap = gapAfter(messages.value)
    if (gap !== null) void catchUp(gap)
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

  /** Sends what was written; the message is held here only until the server has it. */
  async function send(writing: Omit<Writing, 'customer' | 'afterSeq'>): Promise<Outgoing | null> {
    const isOpen = writing.conversationId === id.value
    const contact = conversation.value?.contact
    const own = outgoing.add({
      ...writing,
      customer: isOpen && contact ? customerName(contact) : '',
      afterSeq: isOpen ? lastSeq.value : 0,
    })
    await transmit(own)
    return own.problem ? own : null
  }

  /** Sends again what was not; `anyway` although the customer wrote in between. */
  async function retry(key: string, anyway = false): Promise<void> {
    const own = outgoing.find(key)
    if (!own?.problem) return
    if (anyway) own.expectedSeq = lastSeq.value
    await transmit(own)
  }

  async function transmit(own: Outgoing): Promise<void> {
    const result = await outgoing.transmit(own)
    if (own.conversationId !== id.value) return
    if (result instanceof Problem) {
      // Refused for what happened meanwhile: show it.
      if (result.status === 409) await resync().catch(() => undefined)
      return
    }
    messages.value = mergeMessages(messages.value, [result])
    const gap = gapAfter(messages.value)
    if (gap !== null) void catchUp(gap)
    if (conversation.value?.controller !== 'agent') void resync().catch(() => undefined)
  }

  /** Sends a failed message again; a letter to other people, where any are named. */
  async function resend(messageId: string, to: Party[] = []): Promise<void> {
    try {
      messages.value = mergeMessages(messages.value, [await api.resend(messageId, to)])
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
    shown,
    unsent,
    hasOlder,
    loading,
    loadingOlder,
    problem,
    actionProblem,
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
    resync,
    take,
    applyRow,
    applyMessage,
    applyStates,
    applyTicket,
    applyTyping,
    send,
    retry,
    resend,
    readTrail,
    markSeen,
    takeContact,
  }
})

function asRow(conversation: Conversation): ConversationRow {
  const { handle: _handle, thread: _thread, contact, ...row } = conversation
  return { ...row, contact: { id: contact.id, name: contact.name } }
}
