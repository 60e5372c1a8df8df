/** Channel settings between the server's values and the form's. */
import type { ChannelSetting, Setting } from '@/api/types'

export type FormValue = string | number | boolean

/** What the form starts with; secrets are never known here. */
export function toForm(field: ChannelSetting, value: unknown): FormValue {
  const known = (value ?? field.default) as Setting
  switch (field.type) {
    case 'boolean':
      return known === true
    case 'integer':
      return typeof known === 'number' ? known : 0
    case 'list':
      return Array.isArray(known) ? known.join(', ') : ''
    default:
      return typeof known === 'string' ? known : ''
  }
}

/** What is sent for a field; lists are given comma-separated, one per line, or both. */
export function fromForm(field: ChannelSetting, value: FormValue): Setting {
  if (field.type !== 'list') return value
  return String(value)
    .split(/[,，\n]/)
    .map((each) => each.trim())
    .filter(Boolean)
}
