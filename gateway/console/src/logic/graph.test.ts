import { describe, expect, it } from 'vitest'
import type { TreeBody, TreeNode } from '@/api/catalogue'
import { draw } from './graph'

const node = (id: string, ...to: string[]): TreeNode => ({
  id,
  text: { zh: id },
  choices: to.map((each) => ({ title: { zh: `to ${each}` }, to: each, words: {} })),
  years: null,
  within: null,
  beyond: null,
  outcome: null,
  otherwise: null,
  article: null,
  kind: 'fault',
  severity: 'general',
})
const tree = (...nodes: TreeNode[]): TreeBody => ({
  title: { zh: 't' },
  start: nodes[0]!.id,
  nodes: Object.fromEntries(nodes.map((each) => [each.id, each])),
  intents: [],
})
const depths = (body: TreeBody) => {
  const rows = [...new Set(draw(body, 'zh').boxes.map((box) => box.y))].sort((a, b) => a - b)
  return Object.fromEntries(draw(body, 'zh').boxes.map((box) => [box.id, rows.indexOf(box.y)]))
}

describe('the picture of a tree', () => {
  it('puts each node below all that lead to it', () => {
    const body = tree(node('a', 'b', 'c'), node('b', 'c'), node('c'))
    expect(depths(body)).toEqual({ a: 0, b: 1, c: 2 })
    expect(draw(body, 'zh').edges.map((edge) => edge.label)).toEqual(['to b', 'to c', 'to c'])
  })

  it('ends on a tree that goes in circles, and shows what nothing leads to', () => {
    expect(depths(tree(node('a', 'b'), node('b', 'a'), node('lost')))).toEqual({
      a: 0,
      b: 1,
      lost: 2,
    })
  })

  it('leaves out links into nowhere, and lays no box over another', () => {
    const { boxes, edges, width } = draw(tree(node('a', 'b', 'gone', 'c'), node('b'), node('c')), 'zh')
    expect(edges.length).toBe(2)
    expect(new Set(boxes.map((box) => `${box.x} ${box.y}`)).size).toBe(3)
    expect(Math.max(...boxes.map((box) => box.x))).toBeLessThan(width)
  })
})
