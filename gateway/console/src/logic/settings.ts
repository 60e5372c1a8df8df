/** Channel settings between the server's values and the form's. */
import type { ChannelKind, ChannelSetting, Setting, SettingPreset } from '@/api/types'

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

export type FormValues = Record<string, FormValue>

/** Whether a setting matters with the values of the others. */
export function matters(field: ChannelSetting, values: FormValues): boolean {
  const only = field.only_if
  return !only || only.values.includes(values[only.name] as string | boolean)
}

/** A part of the form: what is shown first, and what is shown to those who ask. */
export interface FormPart {
  name: string
  label: ChannelKind['groups'][number]['label'] | null
  first: ChannelSetting[]
  more: ChannelSetting[]
}

/** The settings that matter, in their groups; those without a group stand first. */
export function formParts(kind: ChannelKind, values: FormValues): FormPart[] {
  const shown = kind.settings.filter((field) => matters(field, values))
  return [{ name: '', label: null }, ...kind.groups]
    .map(({ name, label }) => {
      const own = shown.filter((field) => (field.group ?? '') === name)
      return {
        name,
        label,
        first: own.filter((field) => !field.advanced),
        more: own.filter((field) => field.advanced),
      }
    })
    .filter((part) => part.first.length + part.more.length > 0)
}

/** The provider whose values these are; "" when none has them all. */
export function presetOf(presets: SettingPreset[], values: FormValues): string {
  const fits = (preset: SettingPreset) =>
    Object.entries(preset.values).every(([name, value]) => values[name] === value)
  return presets.find(fits)?.name ?? ''
}
