import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { clearDrafts, countDrafts, keepDraft, readDraft } from './drafts'

/** A browser's storage, with room for so many characters. */
function storage(room = Infinity): Storage {
  const kept: Record<string, string> = {}
  const methods = {
    getItem: (key: string) => kept[key] ?? null,
    setItem: (key: string, value: string) => {
      const others = Object.entries(kept).filter(([name]) => name !== key)
      const size = [...others, [key, value]].flat().join('').length
      if (size > room) throw new DOMException('full', 'QuotaExceededError')
      kept[key] = value
    },
    removeItem: (key: string) => {
      delete kept[key]
    },
  }
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(kept, name, { value, enumerable: false })
  }
  return kept as unknown as Storage
}

const written = (text: string) => ({ text, isNote: false, files: [], letter: null })
const file = { upload_id: 'u', name: 'a.pdf', mime: 'application/pdf', size: 3, thumbnail_url: null }

beforeEach(() => vi.stubGlobal('localStorage', storage()))
afterEach(() => {
  for (const agent of ['ann', 'bob']) clearDrafts(agent)
  vi.unstubAllGlobals()
})

describe('drafts', () => {
  it('come back with their files', () => {
    keepDraft('ann', 'c1', { text: 'Dear', isNote: true, files: [file], letter: null })
    expect(readDraft('ann', 'c1')).toMatchObject({ text: 'Dear', isNote: true, files: [file] })
    keepDraft('ann', 'c1', { text: ' ', isNote: true, files: [file], letter: null })
    expect(readDraft('ann', 'c1')?.files).toEqual([file])
    keepDraft('ann', 'c1', written(' '))
    expect(readDraft('ann', 'c1')).toBeNull()
  })

  it('are their writer’s alone', () => {
    keepDraft('ann', 'c1', written('hers'))
    expect(readDraft('bob', 'c1')).toBeNull()
    keepDraft('bob', 'c1', written('his'))
    expect([countDrafts('ann'), countDrafts('bob')]).toEqual([1, 1])
    clearDrafts('ann')
    expect([readDraft('ann', 'c1'), readDraft('bob', 'c1')?.text]).toEqual([null, 'his'])
  })

  it.each(['{', 'null', '[]', '{"text":1}'])('that are damaged (%s) count as none', (damage) => {
    localStorage.setItem('yingda.draft.ann.c1', damage)
    expect(readDraft('ann', 'c1')).toBeNull()
    keepDraft('ann', 'c1', written('again'))
    expect(readDraft('ann', 'c1')?.text).toBe('again')
  })

  it('leave out what is no file', () => {
    const text = JSON.stringify({ text: 'x', files: [null, { name: 'a' }, file] })
    localStorage.setItem('yingda.draft.ann.c1', text)
    expect(readDraft('ann', 'c1')?.files).toEqual([file])
  })

  it('outlast a full storage as long as the page is open', () => {
    vi.stubGlobal('localStorage', storage(100))
    keepDraft('ann', 'c1', written('short'))
    keepDraft('ann', 'c1', written('long '.repeat(30)))
    expect(readDraft('ann', 'c1')?.text).toBe('long '.repeat(30))
    expect(countDrafts('ann')).toBe(1)
    keepDraft('ann', 'c1', written(''))
    expect(readDraft('ann', 'c1')).toBeNull()
  })

  it('need no storage', () => {
    vi.stubGlobal('localStorage', undefined)
    keepDraft('ann', 'c1', written('kept'))
    expect(readDraft('ann', 'c1')?.text).toBe('kept')
    expect(countDrafts('ann')).toBe(1)
  })

  it('are two hundred at most: the oldest go', () => {
    vi.useFakeTimers()
    for (let i = 0; i < 202; i += 1) {
      vi.setSystemTime(1000 + i)
      keepDraft('ann', `c${i}`, written('x'))
    }
    vi.useRealTimers()
    expect(countDrafts('ann')).toBe(200)
    expect([readDraft('ann', 'c1'), readDraft('ann', 'c2')?.text]).toEqual([null, 'x'])
  })
})
