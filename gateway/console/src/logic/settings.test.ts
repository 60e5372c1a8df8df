import { describe, expect, it } from 'vitest'
import type { ChannelKind, ChannelSetting } from '@/api/types'
import { formParts, fromForm, presetOf, toForm } from './settings'

const label = { en: 'x', 'zh-Hans': 'x', 'zh-Hant': 'x' }

function setting(name: string, more: Partial<ChannelSetting> = {}): ChannelSetting {
  return { name, type: 'string', label, secret: false, required: false, default: '', advanced: false, long: false, help: null, generate: null, group: null, choices: null, only_if: null, ...more } as ChannelSetting
}

const KIND = {
  kind: 'letters',
  groups: [{ name: 'in', label }, { name: 'out', label }],
  settings: [
    setting('host', { group: 'in' }),
    setting('address'),
    setting('folders', { group: 'in', type: 'list', advanced: true }),
    setting('client', { group: 'in', only_if: { name: 'login', values: ['oauth'] } }),
  ],
} as unknown as ChannelKind

describe('the form of a channel', () => {
  it('shows what matters in its groups, the rest to those who ask', () => {
    const parts = formParts(KIND, { login: 'password' })
    const names = (fields: ChannelSetting[]) => fields.map((field) => field.name)
    expect(parts.map((part) => [part.name, names(part.first), names(part.more)])).toEqual([
      ['', ['address'], []],
      ['in', ['host'], ['folders']],
    ])
    expect(names(formParts(KIND, { login: 'oauth' })[1]!.first)).toEqual(['host', 'client'])
  })

  it('knows the provider by its values', () => {
    const presets = [
      { name: 'a', label, help: null, values: { host: 'a.example', port: 993 } },
      { name: 'b', label, help: null, values: { host: 'b.example', port: 993 } },
    ]
    expect(presetOf(presets, { host: 'b.example', port: 993, user: 'x' })).toBe('b')
    expect(presetOf(presets, { host: 'b.example', port: 143 })).toBe('')
  })

  it('reads lists however they were separated', () => {
    const field = setting('folders', { type: 'list' })
    expect(fromForm(field, 'INBOX， Support\n,Sales ')).toEqual(['INBOX', 'Support', 'Sales'])
    expect(toForm(field, ['INBOX', 'Support'])).toBe('INBOX, Support')
  })
})
