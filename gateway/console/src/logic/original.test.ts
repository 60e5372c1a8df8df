import { describe, expect, it } from 'vitest'
import { charsetOf } from './original'

const ascii = (text: string) => new TextEncoder().encode(text)
const mail = (charset: string, ...body: number[]) =>
  new Uint8Array([...ascii(`Content-Type: text/plain; charset=${charset}\r\n\r\n`), ...body])

describe('the charset of an original', () => {
  it('is the declared one, or its superset', () => {
    const bytes = mail('"gb2312"', 0xc4, 0xe3, 0xba, 0xc3)
    expect(charsetOf(bytes)).toBe('gb18030')
    expect(new TextDecoder(charsetOf(bytes)).decode(bytes)).toContain('你好')
    expect(charsetOf(mail('Big5', 0xa7, 0x41, 0xa6, 0x6e))).toBe('big5')
    expect(charsetOf(mail('iso-2022-jp', 0x1b, 0x24, 0x42))).toBe('iso-2022-jp')
  })

  it('is UTF-8 where the bytes are, whatever they say, also cut within a character', () => {
    expect(charsetOf(mail('gbk', ...ascii('你好')))).toBe('utf-8')
    expect(charsetOf(mail('gbk', ...ascii('你好').slice(0, -1)))).toBe('utf-8')
  })

  it('falls back where what is declared is nothing known', () => {
    expect(charsetOf(mail('x-nonsense', 0xff, 0xfe))).toBe('utf-8')
    expect(charsetOf(mail('us-ascii', 0xff, 0xfe))).toBe('utf-8')
  })
})
