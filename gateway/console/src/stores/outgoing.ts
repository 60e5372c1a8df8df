/** Messages on their way to the server, of every conversation: each stays until it arrived. */
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { api } from '@/api/endpoints'
import { asProblem, Problem } from '@/api/http'
import type { Message, Upload } from '@/api/types'
import { newKey } from '@/logic/keys'
import type { LetterDraft } from '@/logic/letters'
import { useSession } from './session'

/** How often a repeat asks for the answer of a first request that still runs. */
const IN_PROGRESS_TRIES = 20

export interface Writing {
  conversationId: string
  /** The customer's name, by which the message is found again. */
  customer: string
  kind: 'agent' | 'note'
  text: string
  attachments: Upload[]
  /** What it is beside its text, where the channel carries letters. */
  letter: LetterDraft | null
  /** The newest message that was read before answering; undefined for notes. */
  expectedSeq: number | undefined
  /** The newest message that there was: its own comes later. */
  afterSeq: number
}

export interface Outgoing extends Writing {
  /** Makes its request recognisable: however often it is sent, it arrives once. */
  key: string
  agentId: string
  problem: Problem | null
}

export const useOutgoing = defineStore('outgoing', () => {
  const session = useSession()
  const all = ref<Outgoing[]>([])
  /** Ids that requests were answered with, while others are still on their way. */
  const answered = ref<Set<string>>(new Set())
  /** The one that its writer wants back in the composer. */
  const wanted = ref<string | null>(null)
  // Whoever signs in next on this page sees nothing of them.
  const mine = computed(() => all.value.filter((own) => own.agentId === session.id))
  const failed = computed(() => mine.value.filter((own) => own.problem !== null))
  const failedIn = computed(() => new Set(failed.value.map((own) => own.conversationId)))
  const isEmpty = computed(() => all.value.length === 0)

  function of(conversationId: string | null): Outgoing[] {
    return mine.value.filter((own) => own.conversationId === conversationId)
  }

  function find(key: string): Outgoing | undefined {
    return mine.value.find((own) => own.key === key)
  }

  function add(writing: Writing): Outgoing {
    const key = newKey()
    all.value.push({ ...writing, key, agentId: session.id, problem: null })
    return all.value.at(-1)!
  }

  /** Sends it, once or again; what it became, or why it did not. */
  async function transmit(own: Outgoing): Promise<Message | Problem> {
    own.problem = null
    try {
      const message = await arrive(own)
      answered.value.add(message.id)
      drop(own.key)
      return message
    } catch (error) {
      own.problem = asProblem(error)
      return own.problem
    } finally {
      if (all.value.every((other) => other.problem !== null)) answered.value.clear()
    }
  }

  async function arrive(own: Outgoing): Promise<Message> {
    for (let tries = 1; ; tries += 1) {
      // Meanwhile somebody else may have signed in, under whose name it must not go.
      if (session.id !== own.agentId) throw new Problem(401, 'not_signed_in', '')
      try {
        return await request(own)
      } catch (error) {
        const problem = asProblem(error)
        if (problem.code !== 'in_progress' || tries === IN_PROGRESS_TRIES) throw problem
        await new Promise((go) => setTimeout(go, (problem.retryAfter ?? 1) * 1000))
      }
    }
  }

  function drop(key: string): void {
    all.value = all.value.filter((own) => own.key !== key)
  }

  /** Forgets everything of an agent who leaves. */
  function dropAllOf(agentId: string): void {
    all.value = all.value.filter((own) => own.agentId !== agentId)
  }

  return {
    all, answered, wanted, mine, failed, failedIn, isEmpty, of, find, add, transmit, drop, dropAllOf,
  }
})

function request(own: Outgoing): Promise<Message> {
  const { conversationId, text, key, expectedSeq } = own
  if (own.kind === 'note') return api.note(conversationId, text, key)
  const attachments = own.attachments.map((upload) => upload.upload_id)
  const body = {
    text,
    ...(attachments.length > 0 ? { attachments } : {}),
    ...(expectedSeq === undefined ? {} : { expected_seq: expectedSeq }),
    ...(own.letter ? { letter: letterBody(own.letter) } : {}),
  }
  return api.reply(conversationId, body, key)
}

/** Recipients whom the agent did not choose are the server's to find. */
function letterBody({ recipients, subject, html }: LetterDraft) {
  return { ...(recipients ?? {}), ...(subject === null ? {} : { subject }), html }
}
