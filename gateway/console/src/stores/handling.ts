/** What agents do with the open conversation beside writing in it. */
import { defineStore } from 'pinia'
import { ref } from 'vue'
import { api } from '@/api/endpoints'
import { asProblem } from '@/api/http'
import type { Assignment, Severity, TicketKind, TicketState } from '@/api/types'
import { useThread } from './thread'

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

interface Change {
  severity?: Severity
  kind?: TicketKind
  state?: TicketState
}

export const useHandling = defineStore('handling', () => {
  const thread = useThread()
  const running = ref<Action | null>(null)

  async function run(action: Action, work: (id: string) => Promise<void>): Promise<boolean> {
    if (!thread.id || running.value) return false
    running.value = action
    thread.actionProblem = null
    try {
      await work(thread.id)
      return true
    } catch (error) {
      thread.actionProblem = asProblem(error)
      // What the server refused may rest on an old picture: show the present one.
      if (asProblem(error).status === 409) await thread.resync().catch(() => undefined)
      return false
    } finally {
      running.value = null
    }
  }

  const claim = (force = false) =>
    run('claim', async (it) => thread.take(await api.claim(it, force)))
  const release = () => run('release', async (it) => thread.take(await api.release(it)))
  const handBack = () => run('hand-back', async (it) => thread.take(await api.handBack(it)))
  const solve = () => run('solve', async (it) => thread.take(await api.solve(it)))
  const reopen = () => run('reopen', async (it) => thread.take(await api.reopen(it)))
  const assign = (to: Assignment) =>
    run('assign', async (it) => thread.take(await api.assign(it, to)))
  const wait = () => run('pending', () => changeTicket({ state: 'pending' }))
  const setSeverity = (severity: Severity) => run('severity', () => changeTicket({ severity }))
  const setKind = (kind: TicketKind) => run('kind', () => changeTicket({ kind }))

  /** Shows a change of the ticket at once and takes it back when the server refuses. */
  async function changeTicket(change: Change): Promise<void> {
    const before = thread.conversation
    const brief = before?.ticket
    if (!before || !brief) return
    if (!change.state) thread.conversation = { ...before, ticket: { ...brief, ...change } }
    try {
      const changed = await api.changeTicket(brief.id, change)
      thread.ticket = changed
      if (thread.conversation?.id === before.id) thread.take(await api.conversation(before.id))
    } catch (error) {
      if (thread.conversation?.id === before.id) thread.conversation = before
      throw error
    }
  }

  return {
    running, claim, release, handBack, solve, reopen, assign, wait, setSeverity, setKind,
  }
})
