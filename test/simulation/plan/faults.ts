import { Chance } from '../world/chance.js'
import type { Fault, FaultKind } from './fault.js'
import type { Profile } from './profile.js'

export interface Names {
  readonly masters: readonly string[]
  readonly agents: readonly string[]
  readonly frameworks: readonly string[]
}

/** Not before the cluster has come together. */
const firstMs = 5_000

/** Makes up what goes wrong; each kind has a chance of its own. */
export function faultsOf(seed: number, profile: Profile, names: Names, untilMs: number): Fault[] {
  const faults: Fault[] = []
  for (const [kind, bounds] of Object.entries(profile.faults)) {
    const chance = new Chance(seed, `fault ${kind}`)
    for (let count = chance.integer(...bounds); count > 0; count--)
      faults.push(faultOf(kind as FaultKind, chance, names, untilMs))
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs)
}

function faultOf(kind: FaultKind, chance: Chance, names: Names, untilMs: number): Fault {
  const atMs = chance.integer(firstMs, untilMs - 1_000)
  const briefly = { atMs, forMs: chance.integer(100, 5_000) }
  const longer = {
    atMs,
    forMs: chance.is(0.7) ? chance.integer(500, 12_000) : chance.integer(12_000, 60_000),
  }
  const process = someProcess(chance, names)
  const agentId = chance.pick(names.agents)
  const probability = chance.next()
  switch (kind) {
    case 'crash': {
      const what = { ...longer, kind, process } as const
      if (chance.is(0.3)) return what
      return chance.is(0.5)
        ? { ...what, afterCommands: chance.integer(0, 8) }
        : { ...what, afterKind: chance.pick(lastWords(process, names)) }
    }
    case 'resign':
      return { ...briefly, kind, process: chance.is(0.7) ? 'the leader' : chance.pick(names.masters) }
    case 'pause':
      return { ...longer, kind, process }
    case 'slow':
      return { ...longer, kind, process, delayMs: chance.integer(1, 150) }
    case 'cut':
      return { ...longer, kind, process, direction: chance.pick(['in', 'out', 'both', 'both']) }
    case 'cut-many': {
      const most = names.agents.length
      const count = chance.is(0.5) ? chance.integer(Math.ceil(most / 2), most) : chance.integer(1, 2)
      const from = chance.integer(0, most - 1)
      const agentIds = names.agents.filter((_, index) => (index - from + most) % most < count)
      return { atMs, forMs: chance.integer(15_000, 60_000), kind, agentIds }
    }
    case 'disconnect':
      return { ...longer, kind, process }
    case 'delay':
      return { ...longer, kind, process, delayMs: chance.integer(10, 4_000) }
    case 'loss':
    case 'doubling':
      return { ...longer, kind, probability: probability * 0.4 }
    case 'broker-restart':
      return { ...briefly, kind }
    case 'store-away':
      return { ...longer, kind }
    case 'store-slow':
      return { ...longer, kind, delayMs: chance.integer(10, 6_000) }
    case 'store-answers-lost':
    case 'store-refuses':
      return { ...longer, kind, probability: probability * 0.6 }
    case 'registry-conflict':
      return { atMs, forMs: 0, kind }
    case 'clock':
      return {
        ...longer,
        kind,
        process,
        offsetMs: chance.integer(-300_000, 300_000),
        rate: 1 + (probability - 0.5) / 500,
      }
    case 'exit':
      return { atMs, forMs: 0, kind, agentId, exitCode: chance.pick([0, 1, 1, 137, undefined]) }
    case 'starts-fail':
      return { ...longer, kind, agentId, probability }
    case 'disk-full':
      return { ...longer, kind, agentId }
    case 'record-damaged':
      return { ...longer, kind, agentId }
    case 'second-instance':
      return { ...longer, kind }
    case 'bad-messages':
      return { ...briefly, kind, to: chance.pick(['leader', 'agents', 'frameworks']) }
  }
}

/** Commands after which it hurts most to die. */
function lastWords(process: string, { agents, frameworks }: Names): readonly string[] {
  if (agents.includes(process)) return ['checkpoint', 'start', 'update', 'reply', 'stop', 'remove', 'forget']
  if (frameworks.includes(process)) return ['store', 'accept', 'acknowledge', 'kill', 'subscribe']
  return [
    'launch',
    'launch',
    'kill',
    'update',
    'acknowledge',
    'offers',
    'reply',
    'store',
    'lease create',
    'lease update',
  ]
}

/** The leader is whoever it is then: more depends on it than on any other. */
function someProcess(chance: Chance, { masters, agents, frameworks }: Names): string {
  const groups = [['the leader'], ['the leader'], masters, agents, agents, frameworks]
  return chance.pick(chance.pick(groups.filter(each => each.length > 0)))
}
