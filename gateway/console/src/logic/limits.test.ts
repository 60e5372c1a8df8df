import { describe, expect, it } from 'vitest'
import { countText, refuseFile } from './limits'

const MB = 1_000_000
const limits = {
  letters: false,
  max_text: 10,
  files: true,
  max_files: 3,
  max_file_bytes: 8 * MB,
  max_files_bytes: 10 * MB,
  file_types: ['image/png', 'text/csv'],
}
const file = (size: number, type = 'image/png') => ({ size, type })

describe('countText', () => {
  it('counts characters, not code units, and not the space around', () => {
    expect(countText('  𠮷👍好  ', 3)).toEqual({ length: 3, limit: 3, near: true, over: false })
    expect(countText('𠮷👍好啊', 3).over).toBe(true)
  })

  it('is near only towards the end', () => {
    expect(countText('12345678', 10).near).toBe(false)
    expect(countText('123456789', 10).near).toBe(true)
  })
})

describe('refuseFile', () => {
  it.each([
    ['a good one', file(MB), [], null],
    ['one without a type', file(MB, ''), [], null],
    ['what Windows calls a table', file(MB, 'application/vnd.ms-excel'), [], null],
    ['an empty one', file(0), [], 'fileEmpty'],
    ['a program', file(MB, 'application/x-msdownload'), [], 'fileType'],
    ['a large one', file(8 * MB + 1), [], 'fileTooBig'],
    ['the fourth', file(1), [1, 1, 1], 'filesTooMany'],
    ['one too many bytes', file(5 * MB + 1), [5 * MB], 'filesTooBig'],
    ['the last byte', file(5 * MB), [5 * MB], null],
  ] as const)('judges %s', (_, one, sizes, expected) => {
    expect(refuseFile(one, [...sizes], limits)).toBe(expected)
  })
})
