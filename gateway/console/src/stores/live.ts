/** The event socket's frames, led to the stores that they concern. */
import { defineStore } from 'pinia'
import { ref, watch } from 'vue'
import { EventSocket, type SocketState } from '@/api/socket'
import type { Frame } from '@/api/types'
import { useAlerts } from './alerts'
import { useDirectory } from './directory'
import { useInbox } from './inbox'
import { useSession } from './session'
import { useThread } from './thread'

const TYPING_EVERY_MS = 2500

export const useLive = defineStore('live', () => {
  const inbox = useInbox()
  const thread = useThread()
  const directory = useDirectory()
  const alerts = useAlerts()
  const session = useSession()
  const state = ref<SocketState>('closed')
  let typedAt = 0

  const socket = new EventSocket({
    frame: take,
    opened: (resumed) => {
      tellView()
      if (resumed) void resync()
    },
    state: (next) => {
      state.value = next
    },
    signedOut: () => session.forget(),
  })

  function take(frame: Frame): void {
    switch (frame.type) {
      case 'message':
        inbox.apply(frame.conversation)
        thread.applyRow(frame.conversation)
        thread.applyMessage(frame.message)
        alerts.messageCame(frame.message, frame.conversation)
        break
      case 'message_state':
        if (frame.conversation_id === thread.id) {
          thread.applyStates(frame.ids, frame.state, frame.failure)
        }
        break
      case 'conversation':
        inbox.apply(frame.conversation)
        thread.applyRow(frame.conversation)
        break
      case 'ticket':
        thread.applyTicket(frame.ticket)
        if (frame.opened) alerts.ticketOpened(frame.ticket)
        break
      case 'typing':
        if (frame.conversation_id === thread.id) {
          thread.applyTyping(frame.who, frame.name, frame.agent_id)
        }
        break
      case 'presence':
        if (frame.conversation_id === thread.id) thread.viewers = frame.viewers
        break
      case 'agent_presence':
        directory.setPresence(frame.agent_id, frame.present, frame.availability)
        break
      case 'overflow':
        void resync()
        break
      case 'hello':
      case 'pong':
        break
    }
  }

  /** Reads again what frames may have been missed of. */
  async function resync(): Promise<void> {
    await Promise.allSettled([inbox.load(true), inbox.count(), thread.resync()])
  }

  function tellView(): void {
    socket.send({ type: 'view', conversation_id: thread.id })
  }

  function tellTyping(): void {
    const now = Date.now()
    if (!thread.id || now - typedAt < TYPING_EVERY_MS) return
    if (socket.send({ type: 'typing', conversation_id: thread.id })) typedAt = now
  }

  watch(() => thread.id, tellView)

  return {
    state,
    start: () => socket.start(),
    stop: () => socket.stop(),
    retryNow: () => socket.retryNow(),
    tellTyping,
  }
})
