/** People, teams, inboxes and canned responses: what lists and menus name. */
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { api } from '@/api/endpoints'
import type { Agent, Availability, Canned, ChannelKind, Inbox, ReplyLimits, Team } from '@/api/types'

export const useDirectory = defineStore('directory', () => {
  const agents = ref<Agent[]>([])
  const teams = ref<Team[]>([])
  const inboxes = ref<Inbox[]>([])
  const canned = ref<Canned[]>([])
  const channelKinds = ref(new Map<string, ChannelKind>())
  const activeAgents = computed(() => agents.value.filter((agent) => agent.active))

  /** Reads what every agent needs; what one's role may not list stays empty. */
  async function load(): Promise<void> {
    await Promise.allSettled([loadAgents(), loadTeams(), loadInboxes(), loadCanned()])
  }

  async function loadAgents(): Promise<void> {
    agents.value = (await api.agents()).items
  }

  async function loadTeams(): Promise<void> {
    teams.value = (await api.teams()).items
  }

  async function loadInboxes(): Promise<void> {
    inboxes.value = (await api.inboxes()).items
  }

  async function loadCanned(): Promise<void> {
    canned.value = (await api.canned()).items
  }

  async function loadKinds(): Promise<void> {
    const { items } = await api.channelKinds()
    channelKinds.value = new Map(items.map((kind) => [kind.kind, kind]))
  }

  /** What an answer through that inbox may carry; null while it is not known here. */
  function limitsOf(inboxId: string | undefined): ReplyLimits | null {
    return inboxes.value.find((inbox) => inbox.id === inboxId)?.limits ?? null
  }

  function teamName(id: string | null): string {
    return teams.value.find((team) => team.id === id)?.name ?? ''
  }

  function setPresence(id: string, present: boolean, availability: Availability): void {
    agents.value = agents.value.map((agent) =>
      agent.id === id ? { ...agent, present, availability } : agent,
    )
  }

  return {
    agents,
    teams,
    inboxes,
    canned,
    channelKinds,
    activeAgents,
    load,
    loadAgents,
    loadTeams,
    loadInboxes,
    loadCanned,
    loadKinds,
    limitsOf,
    teamName,
    setPresence,
  }
})
