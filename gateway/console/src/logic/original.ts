/** A mail as it came, cut at the empty line (RFC 5322 2.1). */
export function headersOf(source: string): { headers: string; body: string } {
  const gap = /\r?\n\r?\n/.exec(source)
  if (!gap) return { headers: source, body: '' }
  return { headers: source.slice(0, gap.index), body: source.slice(gap.index + gap[0].length) }
}

/** What an original can be read as, by the names of the Encoding Standard. */
export const CHARSETS = [
  'utf-8', 'gb18030', 'big5', 'shift_jis', 'euc-jp', 'iso-2022-jp', 'euc-kr', 'windows-1252',
]

/** The charset in which a mail's bytes are best read: UTF-8 where they are, else as they say. */
export function charsetOf(bytes: Uint8Array): string {
  // Before UTF-8: mail in ISO-2022 is of seven bits, so it would pass for it.
  const declared = declaredCharsets(bytes)
  if (declared.includes('iso-2022-jp')) return 'iso-2022-jp'
  if (isUtf8(bytes)) return 'utf-8'
  return declared.find((name) => name !== 'utf-8') ?? 'utf-8'
}

function declaredCharsets(bytes: Uint8Array): string[] {
  const text = new TextDecoder('windows-1252').decode(bytes)
  return [...text.matchAll(/\bcharset\s*=\s*"?([\w.:-]{1,40})/gi)].flatMap(([, label = '']) => {
    if (/^us-ascii$/i.test(label)) return []
    try {
      const name = new TextDecoder(label).encoding
      // Its superset reads both, and mail labelled so often is of the larger one.
      return [name === 'gbk' ? 'gb18030' : name]
    } catch {
      return []
    }
  })
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    // As a stream: the last character may be cut.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}
