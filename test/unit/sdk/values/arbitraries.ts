import { ranges as Range, type Ranges, Resources } from '@tender/sdk/values'
import fc from 'fast-check'

const range = fc
  .tuple(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 12 }))
  .map(([begin, length]) => [begin, begin + length] as const)

/** Intervals as a person may write them: in any order, with overlaps. */
export const anyIntervals = fc.array(range, { maxLength: 6 })

/** A set of numbers in its one form. Small numbers, so that two sets often meet. */
export const anyRanges: fc.Arbitrary<Ranges> = anyIntervals.map(Range.normalize)

const scalar = fc.integer({ min: 0, max: 5_000 })
const items = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'gpu-0', 'sda1'), { maxLength: 4 })

/** Amounts whose names always have the same kind, as all resources of one cluster have. */
export const anyResources: fc.Arbitrary<Resources> = fc
  .record({
    cpus: scalar,
    reserved: scalar,
    refined: scalar,
    revocable: scalar,
    volume: scalar,
    mounts: fc.array(fc.constantFrom(1000, 2000, 3000), { maxLength: 4 }),
    mem: scalar,
    ports: anyRanges,
    disks: items,
  })
  .map(({ cpus, reserved, refined, revocable, volume, mounts, mem, ports, disks }) =>
    Resources.of([
      ['cpus(a)', { kind: 'scalar', thousandths: reserved }],
      ['cpus(a/b<a)', { kind: 'scalar', thousandths: refined }],
      ['cpus{revocable}', { kind: 'scalar', thousandths: revocable }],
      ['disk(a)[v:data]', { kind: 'scalar', thousandths: volume }],
      ['disk{mount}', { kind: 'pieces', pieces: mounts }],
      ['cpus', { kind: 'scalar', thousandths: cpus }],
      ['mem', { kind: 'scalar', thousandths: mem }],
      ['ports', { kind: 'ranges', ranges: ports }],
      ['disks', { kind: 'set', items: disks.toSorted() }],
    ]),
  )

/** Two amounts that can be added: no port and no name is in both. */
export const anyDisjointResources = fc
  .tuple(anyResources, anyResources)
  .map(([a, b]) => [a, b.except(onlyNames(a))] as const)

/** Ports and names of an amount, without its scalars: what cannot be in two places at once. */
function onlyNames(resources: Resources): Resources {
  return Resources.of([...resources.entries()].filter(([, value]) => value.kind !== 'scalar'))
}
