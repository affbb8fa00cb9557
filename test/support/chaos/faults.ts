import type { SeededRandom } from '@tender/sdk/testing'
import type { Cut } from './agent-network.js'
import type { ChaosCluster } from './chaos-cluster.js'

/** Something that goes wrong, and how it is put right again. */
export interface Fault {
  readonly name: string
  /** What it happens to: two faults at once do not share it. */
  readonly part: string
  strike(): Promise<void> | void
  heal(): Promise<void> | void
}

const cuts: readonly Cut[] = ['deaf', 'mute', 'silent']

/** All that can go wrong in a cluster. */
export function faultsOf(cluster: ChaosCluster): readonly Fault[] {
  const servers = cluster.brokers.servers.map(({ name }) => name)
  const parts = [...cluster.masterNames, ...cluster.agentIds, 'service', ...servers]
  const kills = parts.map(part => ({
    name: `kill -9 of ${part}`,
    part,
    strike: () => cluster.kill9(part),
    heal: () => cluster.restart(part),
  }))
  const pauses = parts.map(part => ({
    name: `${part} frozen`,
    part,
    strike: () => cluster.part(part).pause(),
    heal: () => cluster.part(part).resume(),
  }))
  const cutOffs = cluster.agentIds.flatMap(part =>
    cuts.map(cut => ({
      name: `${part} ${cut}`,
      part,
      strike: () => cluster.cutOff(part, cut),
      heal: () => cluster.rejoin(part),
    })),
  )
  return [...kills, ...pauses, ...(cluster.canCutOff ? cutOffs : [])]
}

/** One fault, or two of different parts. */
export function someFaults(all: readonly Fault[], random: SeededRandom): readonly Fault[] {
  const first = oneOf(all, random)
  const others = all.filter(({ part }) => part !== first.part)
  return random.next() < 0.5 ? [first] : [first, oneOf(others, random)]
}

/** NATS first: without it, the others do not start. */
export async function healAll(faults: readonly Fault[]): Promise<void> {
  const isBroker = ({ part }: Fault) => part.startsWith('nats')
  for (const fault of faults.filter(isBroker)) await fault.heal()
  for (const fault of faults.filter(each => !isBroker(each))) await fault.heal()
}

export function oneOf<T>(list: readonly T[], random: SeededRandom): T {
  const found = list[Math.floor(random.next() * list.length)]
  if (found === undefined) throw new RangeError('there is nothing to choose from')
  return found
}
