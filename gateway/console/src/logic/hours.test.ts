import { expect, it } from 'vitest'
import { fromTyped, inOneLine, readRanges, tellRanges, toTyped, weekdays } from './hours'

const PLAN = {
  zone: 'UTC',
  week: [[{ start: '09:00', end: '18:00' }], [], [], [], [], [], []],
  days: [{ date: '2026-10-01', ranges: [] }],
}

it('reads stretches of a day however they are punctuated', () => {
  const split = [
    { start: '09:00', end: '12:00' },
    { start: '13:30', end: '24:00' },
  ]
  expect(readRanges('9:00-12:00, 13:30–24:00')).toEqual(split)
  expect(readRanges('09：00 至 12：00，13:30～24:00；')).toEqual(split)
  expect(readRanges('  ')).toEqual([])
  expect(readRanges(tellRanges(split))).toEqual(split)
})

it('refuses what is no time of day', () => {
  for (const text of ['9-18', '09:00', '09:00-25:00', '09:60-10:00', '24:01-24:02', '1:00-2:00-3:00', 'closed'])
    expect(readRanges(text), text).toBeNull()
})

it('names the days from Monday', () => {
  expect(weekdays('en', 'short')[0]).toBe('Mon')
  expect(weekdays('zh-Hans', 'long')[6]).toBe('星期日')
})

it('keeps a plan that is edited and left as it was', () => {
  expect(fromTyped(toTyped(PLAN))).toEqual(PLAN)
  const typed = toTyped(PLAN)
  typed.days.push({ date: '', text: '' })
  expect(fromTyped(typed)).toEqual(PLAN)
  typed.days[1]!.text = '9:00-10:00'
  expect(fromTyped(typed)).toBeNull()
})

it('tells a plan in one line', () => {
  expect(inOneLine(PLAN, 'en', 'closed')).toBe('Mon 09:00–18:00; 2026-10-01 closed; UTC')
})
