import type { AuditEntry, Hours } from '@/api/types'
import type { Ref } from 'vue'
import { i18n, language, t } from '@/i18n'
import { inOneLine } from '@/logic/hours'
import { absolute } from '@/logic/times'
import { useDirectory } from '@/stores/directory'

export interface Change {
  name: string
  before: string
  after: string
}

type Values = Record<string, unknown>

/** Which texts the values of a field are told with. */
const WORDS: Record<string, string[]> = {
  audience: ['knowledge'],
  availability: ['availability'],
  controller: ['audit.charge'],
  kind: ['kind', 'channel'],
  language: ['language', 'knowledge'],
  recogniser: ['inboxes.recognisers'],
  role: ['role'],
  severity: ['severity'],
  state: ['state', 'knowledge.state'],
  status: ['audit.status'],
}

/** What says nothing to people. */
const UNTOLD = ['id', 'updated_at', 'version', 'version_id']

const known = (key: string) => i18n.global.te(key)

/** Settings are told one by one, as fields of their own. */
function flat(values: Values): Values {
  const { settings, ...rest } = values
  return typeof settings === 'object' && settings !== null ? { ...rest, ...settings } : rest
}

/**
 * The audit in the reader's language; what has no words stays as it is recorded.
 *
 * @param tickets numbers by id.
 */
export function useAuditWords(tickets: Readonly<Ref<Record<string, number>>>) {
  const directory = useDirectory()

  function deed(row: AuditEntry): string {
    const key = `audit.did.${row.action}`
    return known(key) ? t(key) : row.action
  }

  function thing(row: AuditEntry): string {
    const key = `audit.thing.${row.object_type}`
    return known(key) ? t(key) : row.object_type
  }

  /** The name of what was changed, where it has one. */
  function nameOf(row: AuditEntry): string {
    const told = row.after['name'] ?? row.after['title'] ?? row.before['title']
    if (typeof told === 'string') return told
    return find(row.ticket_id ?? row.object_id)
  }

  function find(id: string): string {
    const number = tickets.value[id]
    if (number !== undefined) return `#${number}`
    const all = [...directory.agents, ...directory.teams, ...directory.inboxes]
    return all.find((each) => each.id === id)?.name ?? ''
  }

  function value(row: AuditEntry, field: string, raw: unknown): string {
    if (raw === undefined || raw === null || raw === '') return ''
    if (typeof raw === 'boolean') return t(raw ? 'audit.yes' : 'audit.no')
    if (Array.isArray(raw)) return raw.map((each) => value(row, field, each)).join(t('app.comma'))
    if (field === 'hours') return inOneLine(raw as Hours, language.value, t('teams.closed'))
    if (typeof raw === 'object') return JSON.stringify(raw)
    if (typeof raw === 'number' && field.endsWith('_at')) {
      return absolute(new Date(raw).toISOString(), language.value)
    }
    const text = String(raw)
    if (field.startsWith('secrets_')) return nameOfField(row, text)
    const key = WORDS[field]?.map((group) => `${group}.${text}`).find(known)
    return key ? t(key) : find(text) || text
  }

  /** Settings are called what the form calls them. */
  function nameOfField(row: AuditEntry, name: string): string {
    if (known(`audit.field.${name}`)) return t(`audit.field.${name}`)
    const inbox = directory.inboxes.find((each) => each.id === row.object_id)
    const kind = row.after['kind'] ?? row.before['kind'] ?? inbox?.kind
    const settings = directory.channelKinds.get(String(kind))?.settings ?? []
    return settings.find((each) => each.name === name)?.label[language.value] ?? name
  }

  function changes(row: AuditEntry): Change[] {
    const [before, after] = [flat(row.before), flat(row.after)]
    return [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .filter((name) => !UNTOLD.includes(name))
      .map((name) => ({
        name: nameOfField(row, name),
        before: value(row, name, before[name]),
        after: value(row, name, after[name]),
      }))
      .filter((change) => change.before !== change.after)
  }

  return { deed, thing, nameOf, changes }
}
