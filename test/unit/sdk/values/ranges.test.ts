import { ranges as Range, type Ranges } from '@tender/sdk/values'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { anyIntervals, anyRanges } from './arbitraries.js'

describe('ranges', () => {
  it('merge what overlaps or touches', () => {
    const merged = Range.normalize([
      [5, 6],
      [1, 2],
      [3, 4],
      [6, 9],
      [20, 20],
      [8, 7],
    ])
    expect(merged).to.deep.equal([
      [1, 9],
      [20, 20],
    ])
  })

  it('never overlap or touch, whatever they are made of', () => {
    fc.assert(
      fc.property(anyIntervals, anyRanges, (intervals, other) => {
        const made = Range.normalize(intervals)
        for (const ranges of [made, Range.union(made, other), Range.difference(made, other)])
          for (const [index, [begin, end]] of ranges.entries()) {
            expect(begin).to.be.at.most(end)
            expect(begin).to.be.greaterThan((ranges[index - 1]?.[1] ?? -2) + 1)
          }
      }),
    )
  })

  it('do what sets of numbers do', () => {
    fc.assert(
      fc.property(anyRanges, anyRanges, (a, b) => {
        const [setA, setB] = [numbers(a), numbers(b)]
        expect(numbers(Range.union(a, b))).to.deep.equal(
          new Set([...setA, ...setB].toSorted((x, y) => x - y)),
        )
        expect(numbers(Range.difference(a, b))).to.deep.equal(new Set([...setA].filter(n => !setB.has(n))))
        expect(Range.intersects(a, b)).to.equal([...setA].some(n => setB.has(n)))
        expect(Range.includes(a, b)).to.equal([...setB].every(n => setA.has(n)))
        expect(Range.count(a)).to.equal(setA.size)
      }),
    )
  })

  it('give the lowest numbers first, and no more than there are', () => {
    const ranges: Ranges = [
      [3, 4],
      [8, 9],
    ]
    expect(Range.take(ranges, 3)).to.deep.equal([3, 4, 8])
    expect(Range.take(ranges, 9)).to.deep.equal([3, 4, 8, 9])
    expect(Range.take([[0, Number.MAX_SAFE_INTEGER]], 1)).to.deep.equal([0])
    fc.assert(
      fc.property(anyRanges, fc.integer({ min: 0, max: 80 }), (a, wanted) => {
        const each = Range.take(a, wanted).map(number => [number, number] as const)
        expect(Range.lowest(a, wanted)).to.deep.equal(Range.normalize(each))
      }),
    )
  })
})

function numbers(ranges: Ranges): Set<number> {
  return new Set(Range.take(ranges, Infinity))
}
