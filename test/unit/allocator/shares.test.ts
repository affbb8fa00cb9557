import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { byName, compareProducts } from '../../../master/allocator/shares.js'

const amount = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: 0, max: 2 ** 40 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
)

describe('shares', () => {
  it('are compared exactly, however large', () => {
    fc.assert(
      fc.property(amount, amount, amount, amount, (a, b, c, d) => {
        const difference = BigInt(a) * BigInt(b) - BigInt(c) * BigInt(d)
        expect(Math.sign(compareProducts(a, b, c, d))).to.equal(
          difference < 0n ? -1 : difference > 0n ? 1 : 0,
        )
      }),
    )
  })

  it('are compared exactly where doubles see no difference', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2 ** 26, max: 2 ** 52 }),
        fc.integer({ min: 1, max: 1_000 }),
        (a, step) => {
          // a * a and (a - step) * (a + step) differ by step * step, far behind the point of a double.
          expect(Math.sign(compareProducts(a, a, a - step, a + step))).to.equal(1)
          expect(Math.sign(compareProducts(a - step, a + step, a, a))).to.equal(-1)
          expect(compareProducts(a, step, step, a)).to.equal(0)
        },
      ),
    )
  })

  it('that are equal go by name, byte by byte', () => {
    const names = ['role10', 'role2', 'Role', 'rolé', '\uffff', '\u{10000}', 'role']
    const bytes = (name: string) => Buffer.from(name, 'utf8')
    expect(names.toSorted(byName)).to.deep.equal(names.toSorted((a, b) => bytes(a).compare(bytes(b))))
  })
})
