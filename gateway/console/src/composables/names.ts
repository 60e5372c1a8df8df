import type { Named } from '@/api/types'
import { i18n, t } from '@/i18n'

/** A customer's name; a visitor who gave none is told apart by the end of their id. */
export function customerName(contact: Named): string {
  return contact.name || t('contact.visitor', { code: contact.id.slice(-4).toUpperCase() })
}

/** What a kind of channel is called. */
export function channelName(kind: string): string {
  return i18n.global.te(`channel.${kind}`) ? t(`channel.${kind}`) : kind
}
