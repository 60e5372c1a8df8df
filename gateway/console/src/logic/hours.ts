/** Opening hours as people type and read them. */
import type { Hours, HoursRange } from '@/api/types'

const TIME = /^([01]?\d|2[0-4])[:：]([0-5]\d)$/
const DASH = /\s*(?:[-–—~～至到])\s*/
const COMMA = /[,，、;；]/

/** Two figures, as the server wants them; null when it is no time of day. */
function time(text: string): string | null {
  const found = TIME.exec(text.trim())
  if (!found) return null
  const told = `${found[1]!.padStart(2, '0')}:${found[2]!}`
  return told > '24:00' ? null : told
}

/** The stretches of a day as typed, such as `9:00-12:00, 13:00-18:00`; null when unreadable. */
export function readRanges(text: string): HoursRange[] | null {
  const found: HoursRange[] = []
  for (const part of text.split(COMMA).filter((each) => each.trim())) {
    const ends = part.split(DASH)
    const start = time(ends[0] ?? '')
    const end = time(ends[1] ?? '')
    if (ends.length !== 2 || !start || !end) return null
    found.push({ start, end })
  }
  return found
}

export function tellRanges(ranges: readonly HoursRange[]): string {
  return ranges.map(({ start, end }) => `${start}–${end}`).join(', ')
}

/** Names of the days from Monday to Sunday. */
export function weekdays(language: string, style: 'short' | 'long'): string[] {
  const name = new Intl.DateTimeFormat(language, { weekday: style, timeZone: 'UTC' })
  return Array.from({ length: 7 }, (_, day) => name.format(Date.UTC(2024, 0, 1 + day)))
}

/** Opening hours while somebody edits them. */
export interface TypedHours {
  zone: string
  week: string[]
  days: { date: string; text: string }[]
}

export function toTyped(hours: Hours): TypedHours {
  return {
    zone: hours.zone,
    week: hours.week.map(tellRanges),
    days: hours.days.map(({ date, ranges }) => ({ date, text: tellRanges(ranges) })),
  }
}

/** What was typed, as the server wants it; null while something is unreadable. */
export function fromTyped(typed: TypedHours): Hours | null {
  const week: HoursRange[][] = []
  for (const text of typed.week) {
    const ranges = readRanges(text)
    if (!ranges) return null
    week.push(ranges)
  }
  const days: Hours['days'] = []
  for (const { date, text } of typed.days.filter((day) => day.date || day.text.trim())) {
    const ranges = readRanges(text)
    if (!ranges || !date) return null
    days.push({ date, ranges })
  }
  return { zone: typed.zone, week, days }
}

/** A plan in one line for the audit; days that are closed go unsaid, unless they are exceptions. */
export function inOneLine(hours: Hours, language: string, closed: string): string {
  const names = weekdays(language, 'short')
  const week = hours.week
    .map((ranges, day) => (ranges.length ? `${names[day]} ${tellRanges(ranges)}` : ''))
    .filter(Boolean)
  const days = hours.days.map(({ date, ranges }) => `${date} ${tellRanges(ranges) || closed}`)
  return [...week, ...days, hours.zone].join('; ')
}
