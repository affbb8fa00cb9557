import { type Quantities, Resources, take, type TakeOptions } from '@tender/sdk/values'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { anyResources } from './arbitraries.js'

const parse = (text: string) => Resources.parse(text)

/** What is taken, as text; `nothing` when it does not fit. */
function taken(available: string, wanted: string, options?: TakeOptions): string {
  return String(take(parse(available), parse(wanted), options) ?? 'nothing')
}

/** Any part of an amount, kind by kind and port by port. */
const anyPair = fc.tuple(anyResources, anyResources).map(([a, b]) => [a, a.minus(a.except(b))] as const)

describe('taking resources', () => {
  it('uses up what is reserved, the deepest role first, and then what is not', () => {
    const available = 'cpus:4;cpus(eng):1;cpus(eng/web):1;cpus(eng/web/api<eng):1'
    expect([0.5, 1.5, 2.5, 4, 7].map(cpus => taken(available, `cpus:${cpus}`))).to.deep.equal([
      'cpus(eng/web/api<eng):0.5',
      'cpus(eng/web):0.5;cpus(eng/web/api<eng):1',
      'cpus(eng):0.5;cpus(eng/web):1;cpus(eng/web/api<eng):1',
      'cpus:1;cpus(eng):1;cpus(eng/web):1;cpus(eng/web/api<eng):1',
      'cpus:4;cpus(eng):1;cpus(eng/web):1;cpus(eng/web/api<eng):1',
    ])
    expect(taken(available, 'cpus:7.001')).to.equal('nothing')
  })

  it('meets a plain name never by volumes or mounts, and by revocable ones only where that is allowed', () => {
    const available = 'disk{mount}:9;disk(web)[v:data]:9;disk:1;cpus:1;cpus{revocable}:2'
    expect([taken(available, 'disk:1'), taken(available, 'disk:1.001')]).to.deep.equal(['disk:1', 'nothing'])
    expect([taken(available, 'cpus:2'), taken(available, 'cpus:2', { revocable: true })]).to.deep.equal([
      'nothing',
      'cpus:1;cpus{revocable}:1',
    ])
  })

  it('meets a qualified key by that very kind, before a plain name gets at it', () => {
    const available = 'cpus:2;cpus(web):2;cpus{revocable}:1;disk{mount}:5;disk{mount}:9'
    expect(taken(available, 'cpus(web):2;cpus:1')).to.equal('cpus:1;cpus(web):2')
    expect(taken(available, 'cpus{revocable}:1;disk{mount}:9')).to.equal('cpus{revocable}:1;disk{mount}:9')
    expect(taken(available, 'cpus(web):2.001')).to.equal('nothing')
    expect(taken(available, 'cpus(api):1')).to.equal('nothing')
    expect(taken(available, 'disk{mount}:4')).to.equal('nothing')
  })

  it('takes the very ports and names that are asked for, wherever they are', () => {
    const available = 'ports(web):[1-3];ports:[4-9];disks:{a,b}'
    expect(taken(available, 'ports:[2-5];disks:{b}')).to.equal('disks:{b};ports:[4-5];ports(web):[2-3]')
    expect([taken(available, 'ports:[9-10]'), taken(available, 'disks:{c}')]).to.deep.equal([
      'nothing',
      'nothing',
    ])
  })

  it('takes as many of the lowest ports and first names as a number asks for', () => {
    const available = 'ports:[1-2,7-9];ports(web):[5-5];disks:{a,b}'
    expect(taken(available, 'ports:4;disks:1')).to.equal('disks:{a};ports:[1-2,7-7];ports(web):[5-5]')
    expect(taken(available, 'ports(web):1')).to.equal('ports(web):[5-5]')
    expect([taken(available, 'ports:7'), taken(available, 'ports:1.5')]).to.deep.equal(['nothing', 'nothing'])
  })

  it('takes nothing where nothing is wanted, and refuses to mix kinds under one name', () => {
    expect([taken('cpus:1', ''), taken('cpus:1', 'cpus:[1-1]')]).to.deep.equal(['', 'nothing'])
  })

  it('gives what is there, and as much as was wanted', () => {
    fc.assert(
      fc.property(anyResources, anyResources, fc.boolean(), (available, wanted, revocable) => {
        const found = take(available, wanted, { revocable })
        if (!found) return
        expect(available.contains(found)).to.equal(true)
        expect(sorted(found.quantities())).to.deep.equal(sorted(wanted.quantities()))
      }),
    )
  })

  it('fails only where it does not fit', () => {
    fc.assert(fc.property(anyPair, ([available, part]) => take(available, part) !== undefined))
    // Scalars under plain names: what may serve them is all that there is, volumes and mounts aside.
    fc.assert(
      fc.property(
        anyResources,
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 9 }),
        (a, cpus, ports) => {
          const usable = a.only(kind => !kind.isRevocable && !kind.volume).quantities()
          const holds = (usable.get('cpus') ?? 0) >= cpus * 1000 && (usable.get('ports') ?? 0) >= ports * 1000
          expect(take(a, Resources.fromWire({ cpus, ports })) !== undefined).to.equal(holds)
        },
      ),
    )
  })
})

function sorted(quantities: Quantities): [string, number][] {
  return [...quantities].toSorted(([a], [b]) => (a < b ? -1 : 1))
}
