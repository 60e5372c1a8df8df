import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { messages as en } from './en'
import { messages as hans } from './zh-Hans'
import { messages as hant } from './zh-Hant'

type Tree = { [key: string]: string | Tree }

function paths(tree: Tree, lead = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [lead + key] : paths(value, `${lead}${key}.`),
  )
}

function at(tree: Tree, path: string): string {
  return path.split('.').reduce<string | Tree>((node, key) => (node as Tree)[key]!, tree) as string
}

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort()
const known = new Set(paths(en))

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.(vue|ts)$/.test(entry.name) && !entry.name.endsWith('.test.ts') ? [path] : []
  })
}

describe('texts', () => {
  it.each([
    ['zh-Hans', hans],
    ['zh-Hant', hant],
  ])('has the keys and variables of English in %s', (_, tree) => {
    expect(paths(tree).sort()).toEqual([...known].sort())
    for (const path of known) {
      const variables = new Set(names(at(tree, path)))
      expect([path, [...variables]]).toEqual([path, [...new Set(names(at(en, path)))]])
    }
  })

  it('has every key that the sources name', () => {
    const missing = sources(join(import.meta.dirname, '..')).flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/\bt\(\s*'([\w.-]+)'/g)]
        .map((match) => match[1]!)
        .filter((key) => !known.has(key))
        .map((key) => `${path}: ${key}`),
    )
    expect(missing).toEqual([])
  })

  it('tells every change that the services put on record', () => {
    const services = join(import.meta.dirname, '../../../services')
    const actions = readdirSync(services)
      .filter((name) => name.endsWith('.py'))
      .flatMap((name) => {
        const source = readFileSync(join(services, name), 'utf8')
        const things = Object.keys(en.audit.thing).concat('note').join('|')
        return [...source.matchAll(new RegExp(`"((?:${things})\\.[a-z_]+)"`, 'g'))].map((m) => m[1]!)
      })
    expect(actions.length).toBeGreaterThan(20)
    expect(actions.filter((action) => !known.has(`audit.did.${action}`))).toEqual([])
  })
})
