import { describe, expect, it } from 'vitest'
import { isEncrypted, unasked } from './letters'

const people = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ address: `a${i}@a.cn`, name: '' }))

describe('letters', () => {
  it('answer everybody up to ten, and the writer alone where they are more', () => {
    const ten = { to: people(1), cc: people(9), bcc: [] }
    expect(unasked(ten)).toBe(ten)
    expect(unasked({ ...ten, cc: people(10) })).toEqual({ to: ten.to, cc: [], bcc: [] })
  })

  it('tell the encrypted from the signed', () => {
    expect(isEncrypted({ protection: 'smime-encrypted' })).toBe(true)
    expect(isEncrypted({ protection: 'pgp-signed' })).toBe(false)
    expect(isEncrypted({})).toBe(false)
  })
})
