/** The conversation list of the chosen view. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { api } from '@/api/endpoints'
import { asProblem, type Problem } from '@/api/http'
import type { ConversationRow, Counts, Severity, View } from '@/api/types'
import { appendRows, belongs, isNewer, placeRow, type RowFilter } from '@/logic/lists'
import { useSession } from './session'

const PAGE = 50
const COUNT_DELAY_MS = 600

export const useInbox = defineStore('inbox', () => {
  const session = useSession()
  const filter = ref<RowFilter>({ view: 'mine', inboxId: null, teamId: null, severity: null })
  const rows = shallowRef<ConversationRow[]>([])
  const cursor = ref<string | null>(null)
  const loading = ref(true)
  const loadingMore = ref(false)
  const problem = ref<Problem | null>(null)
  const counts = ref<Counts | null>(null)
  const hasMore = computed(() => cursor.value !== null)
  const filterCount = computed(
    () =>
      Number(filter.value.inboxId !== null) +
      Number(filter.value.teamId !== null) +
      Number(filter.value.severity !== null),
  )

  let turn = 0
  let countTimer = 0

  /** How many are in a view, for a badge; "" for none. */
  function countOf(view: View): string {
    const count = counts.value?.[view] ?? 0
    if (count === 0) return ''
    return count >= 1000 ? '999+' : String(count)
  }

  function query(next: string | null) {
    return {
      view: filter.value.view,
      inbox_id: filter.value.inboxId,
      team_id: filter.value.teamId,
      severity: filter.value.severity,
      limit: PAGE,
      cursor: next,
    }
  }

  /** Reads the list from its beginning; with `quiet` what is shown stays until then. */
  async function load(quiet = false): Promise<void> {
    const mine = ++turn
    if (!quiet) {
      loading.value = true
      rows.value = []
      cursor.value = null
    }
    try {
      const page = await api.conversations(query(null))
      if (mine !== turn) return
      rows.value = page.items
      cursor.value = page.next_cursor
      problem.value = null
    } catch (error) {
      if (mine === turn) problem.value = asProblem(error)
    } finally {
      if (mine === turn) loading.value = false
    }
  }

  async function loadMore(): Promise<void> {
    if (loadingMore.value || loading.value || cursor.value === null || problem.value) return
    const mine = turn
    loadingMore.value = true
    try {
      const page = await api.conversations(query(cursor.value))
      if (mine !== turn) return
      rows.value = appendRows(rows.value, page.items)
      cursor.value = page.next_cursor
    } catch (error) {
      if (mine === turn) problem.value = asProblem(error)
    } finally {
      loadingMore.value = false
    }
  }

  async function show(view: View): Promise<void> {
    if (filter.value.view === view && !loading.value) return
    filter.value = { ...filter.value, view }
    await load()
  }

  async function narrow(wish: {
    inboxId?: string | null
    teamId?: string | null
    severity?: Severity | null
  }): Promise<void> {
    filter.value = { ...filter.value, ...wish }
    await load()
  }

  /** Takes in how a conversation now is. */
  function apply(row: ConversationRow): void {
    const known = rows.value.find((other) => other.id === row.id)
    if (!isNewer(row, known)) return
    const stays = belongs(row, filter.value, session.id)
    if (known || stays) rows.value = placeRow(rows.value, row, stays, hasMore.value)
    recount()
  }

  function markRead(id: string): void {
    rows.value = rows.value.map((row) => (row.id === id ? { ...row, unread: 0 } : row))
  }

  function recount(): void {
    clearTimeout(countTimer)
    countTimer = window.setTimeout(() => void count(), COUNT_DELAY_MS)
  }

  async function count(): Promise<void> {
    try {
      counts.value = await api.counts()
    } catch {
      // The old numbers stand until the next change; the list itself shows what is wrong.
    }
  }

  return {
    filter,
    rows,
    hasMore,
    loading,
    loadingMore,
    problem,
    counts,
    countOf,
    filterCount,
    load,
    loadMore,
    show,
    narrow,
    apply,
    markRead,
    recount,
    count,
  }
})
