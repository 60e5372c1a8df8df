/** Where the nodes of a guided diagnosis stand when it is drawn, layer by layer. */
import type { TreeBody } from '@/api/catalogue'

export interface Box {
  id: string
  x: number
  y: number
}

export interface Edge {
  from: Box
  to: Box
  label: string
}

export interface Drawing {
  boxes: Box[]
  edges: Edge[]
  width: number
  height: number
}

export const BOX = { width: 190, height: 66 }
const GAP = { x: 28, y: 64 }

interface Link {
  to: string
  label: string
}

/** Where a node leads, in its order. */
export function linksOf(tree: TreeBody, id: string, language: 'zh' | 'en'): Link[] {
  const node = tree.nodes[id]
  if (!node) return []
  const links: Link[] = (node.choices ?? []).map((choice) => ({
    to: choice.to,
    label: choice.title[language] ?? Object.values(choice.title)[0] ?? '',
  }))
  if (node.within) links.push({ to: node.within, label: `≤ ${node.years ?? ''}` })
  if (node.beyond) links.push({ to: node.beyond, label: `> ${node.years ?? ''}` })
  if (node.otherwise) links.push({ to: node.otherwise, label: '…' })
  return links.filter((link) => link.to in tree.nodes)
}

/** Draws a tree: each node below the deepest one that leads to it; nothing is left out. */
export function draw(tree: TreeBody, language: 'zh' | 'en'): Drawing {
  const depths = depthsOf(tree, language)
  const layers: string[][] = []
  for (const [id, depth] of depths) (layers[depth] ??= []).push(id)
  const widest = Math.max(...layers.map((layer) => layer.length), 1)
  const width = widest * (BOX.width + GAP.x) - GAP.x
  const boxes = new Map<string, Box>()
  layers.forEach((layer, depth) => {
    const own = layer.length * (BOX.width + GAP.x) - GAP.x
    layer.forEach((id, place) => {
      const x = (width - own) / 2 + place * (BOX.width + GAP.x)
      boxes.set(id, { id, x, y: depth * (BOX.height + GAP.y) })
    })
  })
  const edges = [...boxes.values()].flatMap((from) =>
    linksOf(tree, from.id, language).map(({ to, label }) => ({ from, to: boxes.get(to)!, label })),
  )
  const height = layers.length * (BOX.height + GAP.y) - GAP.y
  return { boxes: [...boxes.values()], edges, width, height }
}

/** How many steps from the start, by the longest way; a link back to where one came from counts not. */
function depthsOf(tree: TreeBody, language: 'zh' | 'en'): Map<string, number> {
  const onward = new Map<string, string[]>()
  const way = new Set<string>()
  const order: string[] = []
  const visit = (id: string): void => {
    onward.set(id, [])
    way.add(id)
    // The last first: what is told first then stands to the left.
    for (const { to } of linksOf(tree, id, language).reverse()) {
      if (way.has(to)) continue
      onward.get(id)!.push(to)
      if (!onward.has(to)) visit(to)
    }
    way.delete(id)
    order.unshift(id)
  }
  if (tree.start in tree.nodes) visit(tree.start)
  const depths = new Map<string, number>(order.map((id) => [id, 0]))
  for (const id of order) {
    for (const to of onward.get(id)!) depths.set(to, Math.max(depths.get(to)!, depths.get(id)! + 1))
  }
  // Nodes that nothing leads to are mistakes; they stand at the end, where they are seen.
  const last = Math.max(-1, ...depths.values()) + 1
  for (const id of Object.keys(tree.nodes)) if (!depths.has(id)) depths.set(id, last)
  return depths
}
