/** Secrets made up in the browser. */
import type { ChannelSetting } from '@/api/types'

const BYTES = 32

/** A new secret of the sort that a setting takes: by Standard Webhooks, or a plain token. */
export function makeSecret(sort: NonNullable<ChannelSetting['generate']>): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES))
  if (sort === 'whsec') return `whsec_${btoa(String.fromCharCode(...bytes))}`
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
