import { describe, expect, it } from 'vitest'
import { isAddress, readParties, withoutRepeats } from './addresses'

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
})
