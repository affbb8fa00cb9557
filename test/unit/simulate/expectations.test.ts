import { Resources } from '@tender/sdk/values'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { judgeInverseOffers } from '../../../cli/simulate/expectations/inverse-offers.js'
import { bestPairs } from '../../../cli/simulate/expectations/matching.js'
import { judgeOffers } from '../../../cli/simulate/expectations/offers.js'
import type { ExpectedOffers, OfferPattern } from '../../../cli/simulate/expected.js'
import type { OfferEvent } from '../../../cli/simulate/world.js'

function offer(framework: string, agent: string, resources: string): OfferEvent {
  const offerId = `${framework}-${agent}`
  return {
    kind: 'offer',
    atMs: 0,
    offerId,
    framework,
    role: 'r',
    agent,
    resources: Resources.parse(resources),
  }
}

function pattern(fields: Partial<OfferPattern>): OfferPattern {
  return { framework: undefined, role: undefined, agent: undefined, resources: undefined, ...fields }
}

const offers = [
  offer('f1', 'a1', 'cpus:1;ports:[1-5]'),
  offer('f1', 'a2', 'cpus:2;ports:[4-9]'),
  offer('f2', 'a1', 'mem:5'),
]

const isMet = (expected: ExpectedOffers, of = offers) => judgeOffers(expected, of, undefined).isMet

describe('pairs of patterns and items', () => {
  it('are found where the first choice would be wrong', () => {
    const may = [[0, 1], [0], [1, 2]]
    expect(bestPairs(may, [0, 1, 2], (list, item) => list.includes(item))).to.deep.equal([1, 0, 2])
  })

  it('are as many as there can be', () => {
    const pairs = bestPairs([[0], [0], []], [0], (list, item) => list.includes(item))
    expect(pairs.filter(pair => pair !== undefined)).to.deep.equal([0])
  })
})

describe('expected offers', () => {
  it('are met by a plain list in any order, where a field left out matches anything', () => {
    const list = [pattern({}), pattern({ framework: 'f1' }), pattern({ resources: 'ports:[1-5];cpus:1' })]
    expect(isMet({ list })).to.equal(true)
  })

  it('are not met when an offer is left over, or an entry', () => {
    expect(isMet({ list: [pattern({}), pattern({})] })).to.equal(false)
    expect(isMet({ list: [pattern({}), pattern({}), pattern({}), pattern({})] })).to.equal(false)
    expect(isMet({ list: [] })).to.equal(false)
    expect(isMet({ list: [] }, [])).to.equal(true)
  })

  it('are met by one of several lists', () => {
    const three = [pattern({}), pattern({}), pattern({})]
    expect(isMet({ oneOf: [[], three] })).to.equal(true)
    expect(isMet({ oneOf: [[], [pattern({})]] })).to.equal(false)
  })

  it('are met by sums over agents: scalars added up, ranges united', () => {
    expect(isMet({ total: { f1: 'cpus:3;ports:[1-9]', f2: 'mem:5' } })).to.equal(true)
    expect(isMet({ total: { f1: 'cpus:3', f2: 'mem:5' } })).to.equal(false)
    expect(isMet({ total: { f1: 'cpus:3;ports:[1-9]', f2: 'mem:5', f3: '' } })).to.equal(true)
  })

  it('are not met when a framework that is not named had an offer', () => {
    expect(isMet({ total: { f1: 'cpus:3;ports:[1-9]' } })).to.equal(false)
    expect(isMet({ counts: { f1: 2 } })).to.equal(false)
    expect(isMet({ counts: { f1: 2, f2: 1, f3: 0 } })).to.equal(true)
  })

  it('are met by a map only when all in it holds', () => {
    expect(isMet({ total: { f1: 'cpus:3;ports:[1-9]' }, counts: { f2: 1 } })).to.equal(true)
    expect(isMet({ total: { f1: 'cpus:3;ports:[1-9]' }, counts: { f1: 3, f2: 1 } })).to.equal(false)
    expect(isMet({ counts: { f1: 2, f2: 1 }, oneOf: [[]] })).to.equal(false)
  })

  it('are shown beside what came, with marks where they differ', () => {
    const written = [{ framework: 'f1', agent: 'a9' }]
    const verdict = judgeOffers(
      { list: [pattern({ framework: 'f1', agent: 'a9' })] },
      offers.slice(0, 1),
      written,
    )
    expect(verdict).to.deep.equal({
      isMet: false,
      expected: { json: written, lines: ['- framework f1, role any, agent a9: any resources'] },
      got: {
        json: [{ framework: 'f1', role: 'r', agent: 'a1', resources: 'cpus:1;ports:[1-5]' }],
        lines: ['+ framework f1, role r, agent a1: cpus:1;ports:[1-5]'],
      },
    })
  })

  it('are shown as sums and counts where these were asked for', () => {
    const { expected, got } = judgeOffers({ counts: { f1: 1, f2: 1 } }, offers, undefined)
    expect(expected.lines).to.deep.equal(['- f1: 1 offer', '  f2: 1 offer'])
    expect(got.lines).to.deep.equal([
      '+ f1: 2 offers, in total cpus:3;ports:[1-9]',
      '  f2: 1 offer, in total mem:5',
    ])
    expect(got.json).to.deep.equal({ counts: { f1: 2, f2: 1 } })
  })
})

describe('expected inverse offers', () => {
  const came = [{ kind: 'inverseOffer' as const, atMs: 0, framework: 'f1', agent: 'a1', startMs: 60_000 }]

  it('are met by framework, agent and start, and none is left over', () => {
    const judge = (list: { start: number | undefined }[]) =>
      judgeInverseOffers(
        list.map(each => ({ framework: 'f1', agent: 'a1', ...each })),
        came,
        undefined,
      ).isMet
    expect(judge([{ start: undefined }])).to.equal(true)
    expect(judge([{ start: 60_000 }])).to.equal(true)
    expect(judge([{ start: 1 }])).to.equal(false)
    expect(judge([])).to.equal(false)
  })
})
