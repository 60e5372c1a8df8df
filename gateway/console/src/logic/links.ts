/** Web addresses in plain text. */

export interface TextPart {
  text: string
  href: string | null
}

const ADDRESS = /https?:\/\/[^\s<>"'“”‘’()（）。,，；;！!？?]+[^\s<>"'“”‘’()（）。,，；;！!？?.:]/gi

/** Splits a text so that http and https addresses can be links; nothing else ever is. */
export function withLinks(text: string): TextPart[] {
  const parts: TextPart[] = []
  let end = 0
  for (const match of text.matchAll(ADDRESS)) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index), href: null })
    parts.push({ text: match[0], href: match[0] })
    end = match.index + match[0].length
  }
  if (end < text.length || parts.length === 0) parts.push({ text: text.slice(end), href: null })
  return parts
}
