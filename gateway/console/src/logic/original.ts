/** A mail as it came, cut at the empty line (RFC 5322 2.1). */
export function headersOf(source: string): { headers: string; body: string } {
  const gap = /\r?\n\r?\n/.exec(source)
  if (!gap) return { headers: source, body: '' }
  return { headers: source.slice(0, gap.index), body: source.slice(gap.index + gap[0].length) }
}
