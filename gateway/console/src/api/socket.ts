/** The event socket: stays connected, tells when frames may have been missed. */
import type { Frame } from './types'

const PING_EVERY_MS = 20_000
const LONGEST_WAIT_MS = 20_000
const SIGNED_OUT = 4001

export type SocketState = 'connecting' | 'open' | 'waiting' | 'closed'

export interface SocketListener {
  frame: (frame: Frame) => void
  /** `resumed` is true when this is not the first connection: frames may have been missed. */
  opened: (resumed: boolean) => void
  state: (state: SocketState) => void
  signedOut: () => void
}

/** Waiting time before try `attempt` (0, 1, …): doubles up to a limit, with jitter. */
export function backoff(attempt: number, random: number): number {
  const full = Math.min(LONGEST_WAIT_MS, 500 * 2 ** attempt)
  return Math.round(full / 2 + (full / 2) * random)
}

export class EventSocket {
  #socket: WebSocket | null = null
  #attempt = 0
  #wasOpen = false
  #stopped = true
  #retry = 0
  #ping = 0
  #heardAt = 0
  #pingedAt = 0

  constructor(private readonly listener: SocketListener) {}

  start(): void {
    if (!this.#stopped) return
    this.#stopped = false
    this.#wasOpen = false
    this.#attempt = 0
    addEventListener('online', this.#hurry)
    addEventListener('offline', this.#drop)
    this.#connect()
  }

  stop(): void {
    this.#stopped = true
    removeEventListener('online', this.#hurry)
    removeEventListener('offline', this.#drop)
    clearTimeout(this.#retry)
    clearInterval(this.#ping)
    this.#socket?.close(1000)
    this.#socket = null
    this.listener.state('closed')
  }

  /** Sends a frame, or drops it without a connection: all of them are about the moment. */
  send(frame: object): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(JSON.stringify(frame))
    return true
  }

  /** Tries at once instead of waiting for the next turn. */
  retryNow(): void {
    this.#hurry()
  }

  readonly #hurry = (): void => {
    if (this.#stopped || this.#socket) return
    clearTimeout(this.#retry)
    this.#connect()
  }

  readonly #drop = (): void => {
    this.#socket?.close()
  }

  #connect(): void {
    this.listener.state('connecting')
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/events`)
    this.#socket = socket
    socket.onopen = () => {
      this.#attempt = 0
      this.#heardAt = Date.now()
      this.#pingedAt = 0
      this.listener.state('open')
      this.listener.opened(this.#wasOpen)
      this.#wasOpen = true
      clearInterval(this.#ping)
      this.#ping = window.setInterval(() => this.#check(), PING_EVERY_MS)
    }
    socket.onmessage = (event: MessageEvent<string>) => {
      this.#heardAt = Date.now()
      this.listener.frame(JSON.parse(event.data) as Frame)
    }
    socket.onclose = (event) => {
      if (this.#socket !== socket) return
      this.#socket = null
      clearInterval(this.#ping)
      if (this.#stopped) return
      if (event.code === SIGNED_OUT) {
        this.stop()
        this.listener.signedOut()
        return
      }
      this.listener.state('waiting')
      this.#retry = window.setTimeout(
        () => this.#connect(),
        backoff(this.#attempt++, Math.random()),
      )
    }
  }

  #check(): void {
    // A line that broke without a sign stays "open" for minutes: an unanswered ping tells.
    if (this.#pingedAt > this.#heardAt) {
      this.#socket?.close()
      return
    }
    this.#pingedAt = Date.now()
    this.send({ type: 'ping' })
  }
}
