import type { ObjectDirective } from 'vue'

const ROLES = {
  table: 'table',
  thead: 'rowgroup',
  tbody: 'rowgroup',
  tr: 'row',
  th: 'columnheader',
  td: 'cell',
} as const

function mark(table: HTMLElement): void {
  table.setAttribute('role', ROLES.table)
  for (const [name, role] of Object.entries(ROLES)) {
    for (const part of table.querySelectorAll(name)) part.setAttribute('role', role)
  }
}

/**
 * Says that a table is one. Browsers take `display: block`, by which rows become cards on a
 * phone, for a sign that it is none, unless its parts have roles.
 */
export const vSheet: ObjectDirective<HTMLElement> = { mounted: mark, updated: mark }
