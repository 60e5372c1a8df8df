/** Sound, browser notifications and spoken announcements for what needs attention. */
import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'
import type { ConversationRow, Message, Ticket } from '@/api/types'
import { customerName } from '@/composables/names'
import { t } from '@/i18n'
import { useInbox } from './inbox'
import { usePreferences } from './preferences'
import { useSession } from './session'
import { useThread } from './thread'

const QUIET_MS = 1500
const ANNOUNCED = 5

export const useAlerts = defineStore('alerts', () => {
  const preferences = usePreferences()
  const session = useSession()
  const inbox = useInbox()
  const thread = useThread()

  const supported = 'Notification' in window
  const permission = ref<NotificationPermission>(supported ? Notification.permission : 'denied')
  /** Read aloud by screen readers as they are added; those before them have been read. */
  const announcements = ref<{ number: number; text: string }[]>([])
  const attention = computed(() => (inbox.counts?.mine ?? 0) + (inbox.counts?.unassigned ?? 0))

  let audio: AudioContext | null = null
  let beepedAt = -Infinity

  // Browsers let a page sound only after its user touched it, and would play late what was
  // asked for before.
  for (const touch of ['pointerdown', 'keydown']) addEventListener(touch, unlock, { passive: true })

  function unlock(): void {
    audio ??= new AudioContext()
    if (audio.state === 'suspended') void audio.resume()
  }
  let openConversation: (id: string) => void = () => undefined

  function whenOpened(listener: (id: string) => void): void {
    openConversation = listener
  }

  /** Asks for permission; only ever on an agent's own click. */
  async function askPermission(): Promise<void> {
    if (!supported) return
    permission.value = await Notification.requestPermission()
    preferences.notify = permission.value === 'granted'
  }

  /** Two short tones, made here: no file to load. */
  function beep(): void {
    const now = performance.now()
    if (!preferences.sound || now - beepedAt < QUIET_MS) return
    if (audio?.state !== 'running') return
    beepedAt = now
    for (const [offset, pitch] of [
      [0, 660],
      [0.13, 880],
    ] as const) {
      const tone = audio.createOscillator()
      const volume = audio.createGain()
      const start = audio.currentTime + offset
      tone.frequency.value = pitch
      volume.gain.setValueAtTime(0, start)
      volume.gain.linearRampToValueAtTime(0.12, start + 0.015)
      volume.gain.exponentialRampToValueAtTime(0.001, start + 0.22)
      tone.connect(volume).connect(audio.destination)
      tone.start(start)
      tone.stop(start + 0.24)
    }
  }

  function announce(text: string): void {
    const number = (announcements.value.at(-1)?.number ?? 0) + 1
    announcements.value = [...announcements.value.slice(1 - ANNOUNCED), { number, text }]
  }

  function show(title: string, body: string, conversationId: string): void {
    beep()
    announce(`${title}: ${body}`)
    if (!supported || !preferences.notify || Notification.permission !== 'granted') return
    const notification = new Notification(title, { body, tag: conversationId })
    notification.onclick = () => {
      window.focus()
      openConversation(conversationId)
      notification.close()
    }
  }

  function messageCame(message: Message, row: ConversationRow): void {
    const isOpen = thread.id === row.id
    const isCustomer = message.kind === 'customer'
    const isLooking = isOpen && document.visibilityState === 'visible' && document.hasFocus()
    const words = message.text || t('message.attachment')
    if (isCustomer && row.agent?.id === session.id && !isLooking) {
      show(customerName(row.contact), words, row.id)
    } else if (isOpen && message.kind !== 'activity' && message.author?.id !== session.id) {
      const who = isCustomer ? customerName(row.contact) : (message.author?.name ?? t('message.bot'))
      announce(`${message.kind === 'note' ? `${t('message.note')}, ` : ''}${who}: ${words}`)
    }
  }

  function ticketOpened(ticket: Ticket): void {
    if (ticket.agent) return
    const title = t('alert.newTicket', { number: ticket.number })
    show(title, `${customerName(ticket.contact)}: ${ticket.subject}`, ticket.conversation_id)
  }

  watch(
    [attention, () => t('app.name')],
    ([count, name]) => {
      document.title = count > 0 ? `(${count > 99 ? '99+' : count}) ${name}` : name
    },
    { immediate: true },
  )

  return {
    supported,
    permission,
    announcements,
    whenOpened,
    askPermission,
    beep,
    messageCame,
    ticketOpened,
  }
})
