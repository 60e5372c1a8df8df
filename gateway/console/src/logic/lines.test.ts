import { describe, expect, it } from 'vitest'
import { linesOf, onlyLines } from './lines'
import { inBody, marksAt, marksIn, type Mark } from './marks'

describe('lines of a body', () => {
  it('name the way to each value and leave out what is empty', () => {
    const body = { required: ['a', 'b'], nodes: { x: { text: { zh: '好' }, to: null } }, on: false }
    expect(linesOf(body)).toEqual(['required: a', 'required: b', 'nodes › x › text › zh: 好'])
  })

  it('tell what one editor has and the other has not', () => {
    expect(onlyLines({ required: ['a', 'b'] }, { required: ['a', 'c'] })).toEqual(['required: b'])
    expect(onlyLines({ choices: [{ to: 'x' }] }, { choices: [] })).toEqual(['choices 1 › to: x'])
  })
})

describe('marks', () => {
  const marks: Mark[] = ['', '/nodes/a', '/nodes/a/text/en', '/nodes/ab'].map((at) => ({
    at,
    text: at,
    severity: 'error',
  }))

  it('stand at their place, or inside it', () => {
    expect(marksAt(marks, '/nodes/a').map((each) => each.at)).toEqual(['/nodes/a'])
    expect(marksIn(marks, '/nodes/a').map((each) => each.at)).toEqual(['/nodes/a', '/nodes/a/text/en'])
  })

  it('know the field that a request was refused for', () => {
    expect(inBody('body/nodes/a/outcome')).toBe('/nodes/a/outcome')
    expect(inBody('body')).toBe('')
  })
})
