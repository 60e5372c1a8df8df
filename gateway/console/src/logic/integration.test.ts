import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { integrationOf } from './integration'
import { makeSecret } from './secrets'

const AT = 'https://desk.example'
const reached = (kind: string, secrets_set: string[] = []) =>
  integrationOf({ id: 'a1', kind, secrets_set }, AT)

describe('how an inbox is reached', () => {
  it('names the address of what is posted to', () => {
    expect(reached('api')?.address).toBe(`${AT}/channels/api/a1/messages`)
    expect(reached('rest')?.address).toBe(`${AT}/webhooks/rest/a1/webhook`)
    expect(reached('webchat')?.snippet).toContain('data-inbox="a1"')
    expect(reached('wecom_kf')?.address).toBe(`${AT}/channels/wecom_kf/a1`)
    expect(reached('telegram')).toBeNull()
  })

  it('asks for a token only where there is one', () => {
    expect(reached('rest')?.snippet).not.toContain('Bearer')
    expect(reached('rest', ['token'])?.snippet).toContain('Bearer $TOKEN')
  })

  it('signs in the shell as Standard Webhooks wants it', () => {
    const secret = makeSecret('whsec')
    const script = reached('api')!
      .snippet.replace('whsec_…', secret)
      .replace(/curl '[\s\S]*$/, 'printf "%s\\n" "$ID.$TIME.$BODY" "$SIGNATURE"')
    const [signed, signature] = execFileSync('sh', ['-c', script]).toString().split('\n')
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')

    expect(key.length).toBe(32)
    expect(signature).toBe(createHmac('sha256', key).update(signed!).digest('base64'))
  })
})

describe('secrets', () => {
  it('are long, of the right form and never the same', () => {
    expect(makeSecret('whsec')).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(makeSecret('token')).toMatch(/^[0-9a-f]{64}$/)
    expect(makeSecret('token')).not.toBe(makeSecret('token'))
  })
})
