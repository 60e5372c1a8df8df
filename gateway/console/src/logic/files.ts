/** Facts about files, for people. */

export function fileSize(bytes: number, language: string): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: units[unit]!,
    // Of bytes the short form knows no plural.
    unitDisplay: unit === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
  }).format(value)
}

const PICTURE_WIDTH = 260
const PICTURE_HEIGHT = 220

export interface Size {
  width: number
  height: number
}

/** How large a picture is shown, never above its own size; null where that is not known. */
export function fitPicture(width: number | null, height: number | null): Size | null {
  if (!width || !height) return null
  const scale = Math.min(1, PICTURE_WIDTH / width, PICTURE_HEIGHT / height)
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  }
}

export type FileSort = 'picture' | 'pdf' | 'sheet' | 'document' | 'archive' | 'sound' | 'file'

export function fileSort(mime: string): FileSort {
  if (mime.startsWith('image/')) return 'picture'
  if (mime.startsWith('audio/') || mime.startsWith('video/')) return 'sound'
  if (mime === 'application/pdf') return 'pdf'
  if (/sheet|excel|csv/.test(mime)) return 'sheet'
  if (/word|document|text\//.test(mime)) return 'document'
  return /zip|rar|7z|tar|gzip/.test(mime) ? 'archive' : 'file'
}

/** A colour for a name, the same each time: one of `count`. */
export function hueOf(name: string, count: number): number {
  let sum = 0
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) >>> 0
  return sum % count
}

/** The letters of an avatar: the last two characters of a Chinese name, else initials. */
export function initials(name: string): string {
  const trimmed = name.trim()
  if (!trimmed) return '?'
  if (/^[\u3400-\u9fff]+$/.test(trimmed)) return trimmed.slice(-2)
  const words = trimmed.split(/[\s·]+/)
  const first = [...words[0]!][0] ?? ''
  const last = words.length > 1 ? ([...words.at(-1)!][0] ?? '') : ''
  return (first + last).toLocaleUpperCase()
}
