/** Marking what was searched for. */

export interface Part {
  text: string
  hit: boolean
}

const CJK = /[\u3400-\u9fff\uf900-\ufaff]/

/** Splits a text into parts that match the query's words and parts that do not. */
export function highlight(text: string, query: string): Part[] {
  const words = query.trim().split(/\s+/).filter(Boolean).flatMap((word) => pieces(text, word))
  if (words.length === 0) return [{ text, hit: false }]
  const pattern = new RegExp(
    `(${words
      .sort((a, b) => b.length - a.length)
      .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('|')})`,
    'giu',
  )
  const parts: Part[] = []
  let end = 0
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index), hit: false })
    const last = parts.at(-1)
    if (last?.hit && match.index === end) last.text += match[0]
    else parts.push({ text: match[0], hit: true })
    end = match.index + match[0].length
  }
  if (end < text.length || parts.length === 0) parts.push({ text: text.slice(end), hit: false })
  return parts
}

/** The word itself, or for Chinese that stands only in pieces its pairs of characters. */
function pieces(text: string, word: string): string[] {
  const stands = text.toLocaleLowerCase().includes(word.toLocaleLowerCase())
  if (stands || word.length < 3 || !CJK.test(word)) return [word]
  return Array.from({ length: word.length - 1 }, (_, i) => word.slice(i, i + 2))
}
