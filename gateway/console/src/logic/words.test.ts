import { describe, expect, it } from 'vitest'
import type { Canned } from '@/api/types'
import { backoff } from '@/api/socket'
import { fill, findCanned, forbiddenWords, placeholders, slashAt } from './canned'
import { fileSize, fileSort, fitPicture, initials } from './files'
import { highlight } from './highlight'
import { brief, dayHeading, pressure, relative, span } from './times'

const canned = (shortcut: string, over: Partial<Canned> = {}): Canned => ({
  id: shortcut,
  shortcut,
  title: shortcut,
  text: '',
  language: 'en',
  team_id: null,
  updated_at: '2026-01-01T00:00:00.000Z',
  ...over,
})

describe('canned responses', () => {
  it('fills what is known and leaves what is missing', () => {
    const text = fill('{contact.name}: { ticket.number }, {agent.name}, {other.thing}', {
      'contact.name': '王芳',
      'agent.name': '',
      'ticket.number': 10001,
    })
    expect(text).toBe('王芳: 10001, {agent.name}, {other.thing}')
    expect(placeholders(text)).toEqual(['{agent.name}', '{other.thing}'])
  })

  it('does not fill a value again that looks like a variable', () => {
    expect(fill('{contact.name}', { 'contact.name': '{agent.name}', 'agent.name': 'X' })).toBe(
      '{agent.name}',
    )
  })

  it('sees a slash only where a word begins', () => {
    expect(slashAt('/gre', 4)).toEqual({ start: 0, word: 'gre' })
    expect(slashAt('hi /', 4)).toEqual({ start: 3, word: '' })
    expect(slashAt('http://x', 8)).toBeNull()
    expect(slashAt('and/or', 6)).toBeNull()
    expect(slashAt('/gre done', 9)).toBeNull()
  })

  it('finds by shortcut before title, and the own language first', () => {
    const all = [
      canned('bye', { title: 'greeting at the end' }),
      canned('greet', { id: 'zh', language: 'zh-Hans' }),
      canned('greet', { id: 'en' }),
    ]
    expect(findCanned(all, 'gre', 'en').map((c) => c.id)).toEqual(['en', 'zh', 'bye'])
    expect(findCanned(all, 'zzz', 'en')).toEqual([])
  })

  it('names forbidden promises', () => {
    expect(forbiddenWords('我们保证,保证明天好')).toEqual(['保证'])
    expect(forbiddenWords('We GUARANTEE it')).toEqual(['GUARANTEE'])
    expect(forbiddenWords('We will try')).toEqual([])
  })
})

describe('times', () => {
  const now = new Date(2026, 10, 22, 15, 0).getTime()
  const ago = (ms: number) => new Date(now - ms).toISOString()

  it('says how long ago', () => {
    expect(relative(ago(5_000), now, 'en', 'just now')).toBe('just now')
    expect(relative(ago(5 * 60_000), now, 'en', '')).toBe('5 min. ago')
    expect(relative(ago(5 * 60_000), now, 'zh-Hans', '')).toBe('5分钟前')
    expect(relative(ago(26 * 3_600_000), now, 'en', '')).toBe('yesterday')
    expect(relative(ago(40 * 86_400_000), now, 'en', '')).toBe('Oct 13')
  })

  it('goes by the calendar day, not by 24 hours', () => {
    const lateYesterday = new Date(2026, 10, 21, 23, 59).toISOString()
    expect(brief(lateYesterday, now, 'en')).toBe('yesterday')
    expect(dayHeading(lateYesterday, now, 'en')).toBe('Yesterday')
    expect(dayHeading(ago(0), now, 'zh-Hans')).toBe('今天')
    expect(brief(ago(0), now, 'en')).toBe('15:00')
  })

  it('measures waiting', () => {
    expect(span(ago(30_000), now)).toBeNull()
    expect(span(ago(119_000), now)).toEqual({ unit: 'minutes', count: 1 })
    expect(span(ago(3 * 3_600_000), now)).toEqual({ unit: 'hours', count: 3 })
    expect(pressure(ago(6 * 60_000), now, false)).toBe('soon')
    expect(pressure(ago(6 * 60_000), now, true)).toBe('late')
  })
})

describe('search marks', () => {
  it('splits by characters, not code units, and keeps the text', () => {
    const parts = highlight('👍發票抬頭', [[1, 3]])
    expect(parts).toEqual([
      { text: '👍', hit: false },
      { text: '發票', hit: true },
      { text: '抬頭', hit: false },
    ])
  })

  it('leaves a text without marks whole, be it empty', () => {
    expect(highlight('abc', [])).toEqual([{ text: 'abc', hit: false }])
    expect(highlight('', [])).toEqual([{ text: '', hit: false }])
  })
})

describe('small facts', () => {
  it('names sizes, sorts and initials', () => {
    expect(fileSize(900, 'en')).toBe('900 bytes')
    expect(fileSize(1, 'en')).toBe('1 byte')
    expect(fileSize(5, 'zh-Hans')).toBe('5字节')
    expect(fileSize(2_500_000, 'en')).toBe('2.5 MB')
    expect(fileSort('application/zip')).toBe('archive')
    expect(initials('欧阳若兰')).toBe('若兰')
    expect(initials('Mary Ann Smith')).toBe('MS')
    expect(initials('  ')).toBe('?')
  })

  it('fits pictures into their place and never blows them up', () => {
    expect(fitPicture(40, 30)).toEqual({ width: 40, height: 30 })
    expect(fitPicture(2600, 1000)).toEqual({ width: 260, height: 100 })
    expect(fitPicture(1000, 2200)).toEqual({ width: 100, height: 220 })
    expect(fitPicture(10_000, 2)).toEqual({ width: 260, height: 1 })
    expect(fitPicture(null, 2)).toBeNull()
  })

  it('waits longer with each failed connection, up to a limit', () => {
    expect(backoff(0, 0)).toBe(250)
    expect(backoff(3, 1)).toBe(4000)
    expect(backoff(30, 1)).toBe(20_000)
  })
})
