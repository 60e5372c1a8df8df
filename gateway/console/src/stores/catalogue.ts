/** The bot's catalogue under work: how the draft stands, its intents, and the long work on it. */
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { catalogue, type CatalogueStatus, type DialogueBody, type IntentRow, type Job, type Kind } from '@/api/catalogue'

const POLL_MS = 700
const ENDED = new Set<Job['state']>(['done', 'refused', 'failed', 'cancelled'])

export const hasEnded = (job: Job) => ENDED.has(job.state)

const KINDS: readonly Kind[] = ['intent', 'response', 'rule', 'form', 'tree', 'slot', 'entity', 'synonym', 'regex', 'lookup', 'dialogue']
const noNames = () => Object.fromEntries(KINDS.map((kind) => [kind, [] as string[]])) as Record<Kind, string[]>

export const useCatalogue = defineStore('catalogue', () => {
  const status = ref<CatalogueStatus | null>(null)
  const intents = ref<IntentRow[]>([])
  /** What runs, or ran last while this page was open; with its result once it ended. */
  const job = ref<Job | null>(null)
  const testing = ref(false)
  const busy = computed(() => job.value !== null && !hasEnded(job.value))
  const groups = computed(() =>
    [...new Set(intents.value.map((intent) => intent.group))].filter(Boolean).sort(),
  )
  const titles = computed(() => new Map(intents.value.map((each) => [each.name, each.title || each.name])))
  /** The names of the draft's documents by kind, and the actions that rules may take. */
  const names = ref<Record<Kind, string[]>>(noNames())
  const actions = ref<string[]>([])
  let watched = ''

  async function load(): Promise<void> {
    status.value = await catalogue.status()
    const running = status.value.job
    if (running && running.id !== watched) void follow(running)
  }

  async function loadIntents(): Promise<void> {
    intents.value = (await catalogue.intents('')).items
  }

  async function loadNames(): Promise<void> {
    const [{ items }, settings] = await Promise.all([
      catalogue.allDocuments(),
      catalogue.read<DialogueBody>('dialogue', 'settings').catch(() => null),
    ])
    const found = noNames()
    for (const each of items) found[each.kind].push(each.name)
    names.value = found
    actions.value = settings?.body.actions ?? []
  }

  /** The intent in words, where it has any: "Request an invoice (invoice_request)". */
  function titleOf(name: string | null): string {
    if (name === null) return ''
    const title = titles.value.get(name)
    return title && title !== name ? `${title} (${name})` : name
  }

  /** Watches long work to its end; gives it with its result. */
  async function follow(started: Job): Promise<Job> {
    watched = started.id
    job.value = started
    let current = started
    while (!hasEnded(current)) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      // A lost connection or a restart is no end of the work: the next question tells.
      current = await catalogue.job(started.id).catch(() => current)
      if (watched === started.id) job.value = current
    }
    if (current.result === null) current = await catalogue.job(started.id)
    if (watched === started.id) job.value = current
    await Promise.all([load(), loadIntents()]).catch(() => undefined)
    return current
  }

  /** The newest work of these kinds that ended with a result. */
  async function newest(kinds: readonly Job['kind'][]): Promise<Job | null> {
    const { items } = await catalogue.jobs()
    for (const each of items) {
      if (!kinds.includes(each.kind) || (each.state !== 'done' && each.state !== 'refused')) continue
      const whole = await catalogue.job(each.id)
      if (whole.result) return whole
    }
    return null
  }

  return {
    status,
    intents,
    job,
    testing,
    busy,
    groups,
    titles,
    names,
    actions,
    load,
    loadIntents,
    loadNames,
    titleOf,
    follow,
    newest,
  }
})
