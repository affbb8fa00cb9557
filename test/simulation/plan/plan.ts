import type { AgentInfo } from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import type { JobPlan } from '../processes/batch-process.js'
import { Chance } from '../world/chance.js'
import type { Fault } from './fault.js'
import { faultsOf } from './faults.js'
import { jobsRole, type Order, ordersOf } from './orders.js'
import { type Profile, profiles } from './profile.js'

export interface Settings {
  /** How often processes look at their deadlines; 100 ms in production. */
  readonly tickMs: number
  /** How long a dead leader still counts; 1 s in production, on one NATS server. */
  readonly leaseMs: number
  /** Of how many agents a leader makes offers at a time. */
  readonly offerSlice: number
  /** Messages travel as bytes, and are checked as in production. */
  readonly isCodecReal: boolean
}

export interface BatchPlan {
  readonly frameworkId: string
  readonly role: string
  /** It declares what it wants, instead of looking at whatever is offered. */
  readonly usesDemand: boolean
  /** So many tasks that no agent has room for: wanted to the end. */
  readonly hopeless: number
  readonly jobs: readonly JobPlan[]
}

export interface AppPlan {
  readonly id: string
  readonly cpus: number
  /** How many instances are wanted, from when on. */
  readonly changes: readonly { readonly atMs: number; readonly instances: number; readonly cmd: string }[]
}

/** All that is decided before a run: the same plan gives the same run, and a smaller plan a smaller one. */
export interface Plan {
  readonly seed: number
  readonly profile: string
  readonly settings: Settings
  readonly healAtMs: number
  readonly endAtMs: number
  readonly masters: readonly string[]
  readonly agents: readonly AgentInfo[]
  readonly apps: readonly AppPlan[]
  readonly batches: readonly BatchPlan[]
  readonly operator: readonly Order[]
  readonly faults: readonly Fault[]
}

const minuteMs = 60_000
/** Of a run of ten minutes: then faults end, and what is left has to come right by itself. */
const healAtMs = 6 * minuteMs
const endAtMs = 10 * minuteMs

/** @param agentCount instead of as many as the seed says */
export function planOf(seed: number, agentCount?: number): Plan {
  const chance = new Chance(seed, 'plan')
  const profile = profiles[seed % profiles.length] as Profile
  const masters = Array.from({ length: chance.integer(...profile.masters) }, (_, index) => `m${index + 1}`)
  const fewAgents = chance.integer(...profile.agents)
  const agents = Array.from({ length: agentCount ?? fewAgents }, (_, index) => agentOf(index + 1))
  const apps = appsOf(new Chance(seed, 'apps'), profile, Math.min(fewAgents, agents.length))
  const batches = batchesOf(new Chance(seed, 'batches'), profile)
  const names = {
    masters,
    agents: agents.map(({ agentId }) => agentId),
    frameworks: [...(apps.length > 0 ? ['service'] : []), ...batches.map(({ frameworkId }) => frameworkId)],
  }
  return {
    seed,
    profile: profile.name,
    settings: {
      tickMs: chance.pick(profile.tickMs),
      leaseMs: chance.pick(profile.leaseMs),
      offerSlice: chance.pick([1, 2, Infinity]),
      isCodecReal: seed % 50 === 0,
    },
    healAtMs,
    endAtMs,
    masters,
    agents,
    apps,
    batches,
    operator: ordersOf(seed, profile, names, healAtMs),
    faults: faultsOf(seed, profile, names, healAtMs),
  }
}

function agentOf(index: number): AgentInfo {
  return {
    agentId: `a${index}`,
    hostname: `a${index}.test`,
    resources: Resources.parse('cpus:4;mem:8192;disk:1000;ports:[31000-31009]').toWire(),
    attributes: {},
    containerizers: ['docker', 'process'],
    version: 'simulated',
  }
}

/** What all apps want together leaves room on the agents, also when one of them is not there. */
function appsOf(chance: Chance, profile: Profile, agents: number): AppPlan[] {
  const count = chance.integer(...profile.apps)
  return Array.from({ length: count }, (_, index) => {
    const changes = [{ atMs: chance.integer(0, 5_000), instances: chance.integer(1, agents), cmd: 'serve' }]
    for (let more = chance.integer(0, 3); more > 0; more--) {
      const isRestart = chance.is(0.3)
      changes.push({
        atMs: chance.integer(10_000, healAtMs),
        instances: chance.integer(0, agents),
        cmd: isRestart ? `serve ${more}` : 'serve',
      })
    }
    return {
      id: `/app${index + 1}`,
      cpus: chance.pick([0.1, 0.25, 0.5]),
      changes: changes.toSorted((a, b) => a.atMs - b.atMs),
    }
  })
}

function batchesOf(chance: Chance, profile: Profile): BatchPlan[] {
  return Array.from({ length: chance.integer(...profile.batches) }, (_, index) => ({
    frameworkId: `batch${index + 1}`,
    role: chance.pick(['*', jobsRole]),
    usesDemand: chance.is(0.5),
    hopeless: chance.pick([0, 0, 1, 2]),
    jobs: Array.from({ length: chance.integer(...profile.jobs) }, () => {
      const job = {
        fromMs: chance.is(0.2) ? 0 : chance.integer(0, healAtMs),
        resources: chance.pick(['cpus:0.1;mem:32', 'cpus:0.5;mem:128', 'cpus:1;mem:512']),
        ports: chance.integer(0, 1),
        durationMs: chance.integer(500, 60_000),
        failures: chance.is(0.3) ? chance.integer(1, 2) : 0,
        ...(chance.is(0.15) ? { hasVolume: true } : {}),
      }
      return chance.is(0.4) ? { ...job, killAfterMs: chance.integer(3_000, 120_000) } : job
    }),
  }))
}
