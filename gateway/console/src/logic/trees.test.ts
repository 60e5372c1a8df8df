import { describe, expect, it } from 'vitest'
import { addNode, kindOf, newTree, removeNode, renameNode, setKind } from './trees'

function sample() {
  const tree = newTree()
  const end = addNode(tree)
  tree.nodes['start']!.choices = [{ title: { zh: '是', en: 'Yes' }, to: end, words: {} }]
  return { tree, end }
}

describe('a diagnosis under work', () => {
  it('gives every node an id of its own', () => {
    const { tree, end } = sample()
    expect(end).toBe('node_2')
    removeNode(tree, 'start')
    expect(addNode(tree)).toBe('node_3')
    expect(Object.keys(tree.nodes)).toEqual(['node_2', 'node_3'])
  })

  it('leads to a renamed node as before', () => {
    const { tree, end } = sample()
    expect(renameNode(tree, end, 'done')).toBe(true)
    expect(tree.nodes['start']!.choices![0]!.to).toBe('done')
    expect(tree.nodes['done']!.id).toBe('done')
    expect(renameNode(tree, 'start', 'first')).toBe(true)
    expect(tree.start).toBe('first')
    expect(renameNode(tree, 'first', 'done')).toBe(false)
    expect(renameNode(tree, 'first', 'no id')).toBe(false)
  })

  it('leads nowhere where a node was removed', () => {
    const { tree, end } = sample()
    removeNode(tree, end)
    expect(tree.nodes['start']!.choices![0]!.to).toBe('')
  })

  it('keeps of a node what its kind has', () => {
    const { tree, end } = sample()
    const start = tree.nodes['start']!
    setKind(start, 'rule')
    expect([kindOf(start), start.years, start.choices]).toEqual(['rule', 2, []])
    start.within = end
    setKind(start, 'fix')
    start.otherwise = end
    expect([kindOf(start), start.years, start.within]).toEqual(['fix', null, null])
    setKind(start, 'question')
    expect([kindOf(start), start.otherwise]).toEqual(['question', null])
  })
})
