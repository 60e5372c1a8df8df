/** How an inbox is reached from outside: its address, and something to copy. */
import type { Inbox } from '@/api/types'

export interface Integration {
  sort: 'webchat' | 'api' | 'rest' | 'restToken' | 'callback'
  /** Where messages are posted; the widget finds its own way. */
  address: string | null
  snippet: string
}

type Reached = Pick<Inbox, 'id' | 'kind' | 'secrets_set'>

/** What to show of an inbox; null for kinds that we call, and not the other way round. */
export function integrationOf(inbox: Reached, origin: string): Integration | null {
  switch (inbox.kind) {
    case 'webchat':
      return { sort: 'webchat', address: null, snippet: tag(inbox.id, origin) }
    case 'api': {
      const address = `${origin}/channels/api/${inbox.id}/messages`
      return { sort: 'api', address, snippet: signedPost(address) }
    }
    case 'rest': {
      const address = `${origin}/webhooks/rest/${inbox.id}/webhook`
      const withToken = inbox.secrets_set.includes('token')
      return {
        sort: withToken ? 'restToken' : 'rest',
        address,
        snippet: plainPost(address, withToken),
      }
    }
    case 'wecom':
    case 'wecom_kf':
      return {
        sort: 'callback',
        address: `${origin}/channels/${inbox.kind}/${inbox.id}`,
        snippet: '',
      }
    default:
      return null
  }
}

function tag(id: string, origin: string): string {
  return `<script src="${origin}/widget.js" data-inbox="${id}" async></${'script'}>`
}

function plainPost(address: string, withToken: boolean): string {
  const lead = withToken ? "TOKEN='…'\n" : ''
  const header = withToken ? '  -H "Authorization: Bearer $TOKEN" \\\n' : ''
  return `${lead}curl '${address}' \\
${header}  -d '{"sender": "customer-42", "message": "Hello"}'`
}

/** A signature by Standard Webhooks: HMAC-SHA256 over id, time and body, keyed with the bytes. */
function signedPost(address: string): string {
  return `SECRET='whsec_…'
BODY='{"sender": "customer-42", "text": "Hello"}'
TIME=$(date +%s); ID="msg-$TIME"
KEY=$(printf %s "\${SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
SIGNATURE=$(printf %s "$ID.$TIME.$BODY" |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64)
curl '${address}' \\
  -H 'Content-Type: application/json' \\
  -H "webhook-id: $ID" -H "webhook-timestamp: $TIME" \\
  -H "webhook-signature: v1,$SIGNATURE" -d "$BODY"`
}
