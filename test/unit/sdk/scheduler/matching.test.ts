import { choose, fits, type Need, type Offer, pack, Resources } from '@tender/sdk'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { anyResources } from '../values/arbitraries.js'

const parse = (text: string) => Resources.parse(text)
const need = (text: string, ports = 0): Need => ({ resources: parse(text), ports })

function offerOf(resources: Resources, index = 0): Offer {
  return {
    offerId: `o${index + 1}`,
    frameworkId: 'web',
    role: '*',
    agentId: `a${index + 1}`,
    hostname: `a${index + 1}.test`,
    resources,
    attributes: {},
    containerizers: ['process'],
    madeAtMs: 0,
  }
}

describe('a need', () => {
  it('fits when all of it is there, ports included', () => {
    const available = parse('cpus:1;ports:[1-2]')
    const needs = [need('cpus:1'), need('cpus:1', 2), need('cpus:1', 3), need('cpus:1.001'), need('gpus:1')]
    expect(needs.map(each => fits(available, each))).to.deep.equal([true, true, false, false, false])
  })

  it('is given the lowest ports that are free, beside those that it names', () => {
    const wanted = need('cpus:0.5;ports:[11-11]', 2)
    const placement = choose(parse('cpus:1;ports:[10-20]'), wanted)
    expect(placement?.ports).to.deep.equal([10, 12])
    expect(String(placement?.resources)).to.equal('cpus:0.5;ports:[10-12]')
    expect(placement?.need).to.equal(wanted)
  })

  it('may name ports by their number among its amounts', () => {
    const placement = choose(parse('cpus:1;ports:[10-20]'), need('cpus:0.5;ports:2', 1))
    expect([String(placement?.resources), placement?.ports]).to.deep.equal([
      'cpus:0.5;ports:[10-12]',
      [10, 11, 12],
    ])
  })

  it('is met by what is reserved first, and told of which kind it is', () => {
    const available = parse('cpus:4;cpus(web):1;mem:512;ports(web):[9-9];ports:[1-5]')
    const placement = choose(available, need('cpus:2;mem:128', 2))
    expect(String(placement?.resources)).to.equal('cpus:1;cpus(web):1;mem:128;ports:[1-1];ports(web):[9-9]')
    expect(placement?.ports).to.deep.equal([1, 9])
  })

  it('never uses a volume, a mount or what is revocable unless it names it', () => {
    const available = parse('cpus{revocable}:4;disk{mount}:100;disk(web)[db:/data]:10')
    const needs = [need('cpus:1'), need('disk:1'), need('cpus{revocable}:1;disk(web)[db:/data]:10')]
    expect(needs.map(each => fits(available, each))).to.deep.equal([false, false, true])
    expect(String(choose(available, need('disk{mount}:100'))?.resources)).to.equal('disk{mount}:100')
  })

  it('that asks for no ports gets none', () => {
    const resources = parse('cpus:1')
    expect(choose(parse('cpus:1;ports:[1-9]'), { resources })).to.deep.equal({
      need: { resources },
      resources,
      ports: [],
    })
  })
})

describe('packing', () => {
  it('puts each need on the first offer that still holds it, and says which found no place', () => {
    const offers = [parse('cpus:1;ports:[1-2]'), parse('cpus:2;ports:[1-9]')].map(offerOf)
    const needs = [
      need('cpus:0.6', 1),
      need('cpus:0.6', 1),
      need('cpus:0.4', 1),
      need('cpus:2'),
      need('cpus:1', 1),
    ]
    const { placed, unplaced } = pack(offers, needs)
    expect(
      placed.map(({ offer, placements }) => [
        offer.offerId,
        ...placements.map(({ resources }) => String(resources)),
      ]),
    ).to.deep.equal([
      ['o1', 'cpus:0.6;ports:[1-1]', 'cpus:0.4;ports:[2-2]'],
      ['o2', 'cpus:0.6;ports:[1-1]', 'cpus:1;ports:[2-2]'],
    ])
    expect(unplaced).to.deep.equal([needs[3]])
  })

  it('lets several needs use one shared volume, and one a volume that is not shared', () => {
    const volumes = ['disk(web)[a:/a]{shared}:9', 'disk(web)[b:/b]:9']
    const unplaced = volumes.map(volume => {
      const needs = [need(`cpus:1;${volume}`), need(`cpus:1;${volume}`)]
      return pack([offerOf(parse(`cpus:2;${volume}`))], needs).unplaced.length
    })
    expect(unplaced).to.deep.equal([0, 1])
  })

  it('tells of offers that nothing was put on, so that they can be declined', () => {
    const offers = [offerOf(parse('cpus:1'))]
    expect(pack(offers, [])).to.deep.equal({ placed: [{ offer: offers[0], placements: [] }], unplaced: [] })
  })

  it('never uses more than an offer has, nor a port twice, and forgets nobody', () => {
    const anyNeed = fc.record({ resources: anyResources, ports: fc.integer({ min: 0, max: 4 }) })
    fc.assert(
      fc.property(
        fc.array(anyResources, { maxLength: 4 }),
        fc.array(anyNeed, { maxLength: 8 }),
        (amounts, needs) => {
          const { placed, unplaced } = pack(amounts.map(offerOf), needs)
          for (const { offer, placements } of placed) {
            // Taken one after another: a port that was given twice would not be there the second time.
            let left = offer.resources
            for (const { need: each, resources, ports } of placements) {
              left = left.minus(resources)
              expect(ports).to.have.length(each.ports)
              const asked = each.resources.quantities()
              for (const [name, amount] of resources.quantities())
                expect(amount).to.equal((asked.get(name) ?? 0) + (name === 'ports' ? each.ports * 1000 : 0))
            }
            for (const each of unplaced) expect(fits(left, each)).to.equal(false)
          }
          const all = [
            ...placed.flatMap(({ placements }) => placements.map(placement => placement.need)),
            ...unplaced,
          ]
          expect(all).to.have.members(needs)
          expect(all).to.have.length(needs.length)
        },
      ),
    )
  })
})
