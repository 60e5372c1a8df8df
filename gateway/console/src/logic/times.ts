/** Times in words, in the viewer's zone and language. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const formats = new Map<string, Intl.DateTimeFormat>()

function format(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options)
  let found = formats.get(key)
  if (!found) {
    found = new Intl.DateTimeFormat(language, options)
    formats.set(key, found)
  }
  return found
}

/** `justNow` under a minute, "5 min. ago", "yesterday", then a date. */
export function relative(iso: string, now: number, language: string, justNow: string): string {
  const at = Date.parse(iso)
  const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' })
  const age = now - at
  if (Math.abs(age) < MINUTE) return justNow
  if (Math.abs(age) < HOUR) return words.format(-Math.trunc(age / MINUTE), 'minute')
  const days = dayNumber(now) - dayNumber(at)
  if (days === 0) return words.format(-Math.trunc(age / HOUR), 'hour')
  if (Math.abs(days) < 7) return words.format(-days, 'day')
  return shortDate(at, now, language)
}

/** As short as a list needs: the time today, the weekday this week, else the date. */
export function brief(iso: string, now: number, language: string): string {
  const at = Date.parse(iso)
  const days = dayNumber(now) - dayNumber(at)
  if (days === 0) return clock(iso, language)
  if (days === 1) {
    return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-1, 'day')
  }
  if (days > 1 && days < 7) return format(language, { weekday: 'short' }).format(at)
  return shortDate(at, now, language)
}

function shortDate(at: number, now: number, language: string): string {
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  return format(
    language,
    sameYear
      ? { month: 'short', day: 'numeric' }
      : { year: 'numeric', month: 'short', day: 'numeric' },
  ).format(at)
}

export function clock(iso: string, language: string): string {
  return format(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(
    Date.parse(iso),
  )
}

/** Date, time to the second and zone: what is shown on hover. */
export function absolute(iso: string, language: string): string {
  return format(language, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).format(Date.parse(iso))
}

/** The heading over a day's messages: "today", "yesterday", else the date with its weekday. */
export function dayHeading(iso: string, now: number, language: string): string {
  const at = Date.parse(iso)
  const days = dayNumber(now) - dayNumber(at)
  if (days === 0 || days === 1) {
    const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-days, 'day')
    return words.charAt(0).toUpperCase() + words.slice(1)
  }
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  return format(language, {
    ...(sameYear ? {} : { year: 'numeric' }),
    month: 'long',
    day: 'numeric',
    weekday: 'long',
  }).format(at)
}

/** Days since the epoch by the viewer's calendar. */
export function dayNumber(at: number): number {
  const day = new Date(at)
  return Math.floor(Date.UTC(day.getFullYear(), day.getMonth(), day.getDate()) / DAY)
}

export interface Span {
  unit: 'minutes' | 'hours' | 'days'
  count: number
}

/** A waiting time in its largest unit; under a minute counts as none. */
export function span(sinceIso: string, now: number): Span | null {
  const ms = now - Date.parse(sinceIso)
  if (ms < MINUTE) return null
  if (ms < HOUR) return { unit: 'minutes', count: Math.floor(ms / MINUTE) }
  if (ms < DAY) return { unit: 'hours', count: Math.floor(ms / HOUR) }
  return { unit: 'days', count: Math.floor(ms / DAY) }
}

/** How pressing a waiting time is: the first response is due within 10 minutes, urgent within 5. */
export function pressure(
  sinceIso: string,
  now: number,
  isUrgent: boolean,
): 'calm' | 'soon' | 'late' {
  const minutes = (now - Date.parse(sinceIso)) / MINUTE
  const due = isUrgent ? 5 : 10
  if (minutes >= due) return 'late'
  return minutes >= due / 2 ? 'soon' : 'calm'
}
