import { describe, expect, it } from 'vitest'
import { firstNames, isAddress, readParties, withoutNamed, withoutRepeats } from './addresses'

describe('addresses', () => {
  it('are told from what is none', () => {
    for (const right of ['a@b.cn', 'li.lei+x@mail.example.com', '用户@例子.中国']) {
      expect([right, isAddress(right)]).toEqual([right, true])
    }
    for (const wrong of ['a@b', 'a b@c.com', '@c.com', 'a@c..com', 'a@-c.com', 'a@@c.com', 'a.c.com', '']) {
      expect([wrong, isAddress(wrong)]).toEqual([wrong, false])
    }
  })

  it('are read from a list, with names and without', () => {
    expect(readParties('"Liu, Anna" <anna@x.cn>; bob@x.cn，王芳＜wang@x.cn＞\nmailto:c@x.cn,,')).toEqual([
      { address: 'anna@x.cn', name: 'Liu, Anna' },
      { address: 'bob@x.cn', name: '' },
      { address: 'wang@x.cn', name: '王芳' },
      { address: 'c@x.cn', name: '' },
    ])
  })

  it('are listed once, whatever their letters', () => {
    const [a, A, b] = ['a@x.cn', 'A@X.cn', 'b@x.cn'].map((address) => ({ address, name: '' }))
    expect(withoutRepeats([a!, A!, b!])).toEqual([a, b])
    expect(withoutRepeats([a!, b!], [A!])).toEqual([b])
  })

  it('are left out where a failure names them, whole and in whatever letters', () => {
    const people = ['ann@a.cn', 'joann@a.cn', 'bob@b.cn'].map((address) => ({ address, name: '' }))
    const left = withoutNamed(people, 'joAnn@a.cn: 550 5.1.1 <joann@a.cn>\nno bob@b.cn.')
    expect(left.map((one) => one.address)).toEqual(['ann@a.cn'])
  })

  it('are named up to five, and never one alone is left out', () => {
    const people = Array.from({ length: 8 }, (_, i) => ({ address: `a${i}@a.cn`, name: '' }))
    expect(firstNames(people)).toEqual({ names: people.slice(0, 5).map((p) => p.address), hidden: 3 })
    expect(firstNames(people.slice(0, 6)).hidden).toBe(0)
  })
})
