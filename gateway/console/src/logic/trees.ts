/** Changes of a guided diagnosis under work; all change the tree that they are given. */
import type { TreeBody, TreeNode } from '@/api/catalogue'

export const NODE_KINDS = ['question', 'rule', 'fix', 'ticket', 'reply'] as const
export type NodeKind = (typeof NODE_KINDS)[number]

export const kindOf = (node: TreeNode): NodeKind =>
  node.outcome ?? (node.years !== null && node.years !== undefined ? 'rule' : 'question')

const blank = (id: string): TreeNode => ({
  id,
  text: { zh: '', en: '' },
  choices: [],
  years: null,
  within: null,
  beyond: null,
  outcome: null,
  otherwise: null,
  article: null,
  kind: 'consultation',
  severity: 'general',
})

/** A new diagnosis: one question that nothing follows yet. */
export const newTree = (): TreeBody => ({
  title: { zh: '', en: '' },
  start: 'start',
  nodes: { start: blank('start') },
  intents: [],
})

/** Adds an empty node and tells its id. */
export function addNode(tree: TreeBody): string {
  let count = Object.keys(tree.nodes).length + 1
  while (`node_${count}` in tree.nodes) count += 1
  tree.nodes[`node_${count}`] = blank(`node_${count}`)
  return `node_${count}`
}

/** What a node is: what belongs to the other kinds goes. */
export function setKind(node: TreeNode, kind: NodeKind): void {
  node.outcome = kind === 'question' || kind === 'rule' ? null : kind
  if (kind !== 'question') node.choices = []
  node.years = kind === 'rule' ? (node.years ?? 2) : null
  if (kind !== 'rule') node.within = node.beyond = null
  if (kind !== 'fix') node.otherwise = null
}

/** Gives a node another id, in everything that leads to it; false when it is taken or no id. */
export function renameNode(tree: TreeBody, id: string, to: string): boolean {
  if (!/^[A-Za-z_]\w*$/.test(to) || to in tree.nodes) return false
  tree.nodes = Object.fromEntries(
    Object.entries(tree.nodes).map(([key, node]) => (key === id ? [to, { ...node, id: to }] : [key, node])),
  )
  lead(tree, id, to)
  return true
}

/** Removes a node; what led to it leads nowhere. */
export function removeNode(tree: TreeBody, id: string): void {
  const { [id]: _, ...rest } = tree.nodes
  tree.nodes = rest
  lead(tree, id, null)
}

function lead(tree: TreeBody, from: string, to: string | null): void {
  if (tree.start === from) tree.start = to ?? Object.keys(tree.nodes)[0] ?? ''
  for (const node of Object.values(tree.nodes)) {
    for (const choice of node.choices ?? []) if (choice.to === from) choice.to = to ?? ''
    for (const field of ['within', 'beyond', 'otherwise'] as const) {
      if (node[field] === from) node[field] = to
    }
  }
}
