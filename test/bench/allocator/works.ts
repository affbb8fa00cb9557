import { parseQuantities, Resources } from '@tender/sdk/values'
import { Allocator } from '../../../master/allocator/allocator.js'
import type { Grant } from '../../../master/allocator/types.js'
import { quantiles } from '../report.js'
import { BenchCluster, type Size, timed, yearMs } from './cluster.js'

/** What one piece of work took; printed by the process that did it. */
export interface Figure {
  readonly what: string
  readonly ms: number
  readonly targetMs: number
  readonly note?: string
  readonly targetMb?: number
}

const size = (agents: number, frameworks: number): Size => ({ agents, frameworks })

/** S1: each round all offers are declined for a year, and the next round is timed. */
function declines(of: Size, targetMs: number, rounds = 12): Figure {
  const cluster = new BenchCluster(of)
  let grants = cluster.cycle()
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    cluster.decline(grants, yearMs)
    cluster.now += 1_000
    const { ms, result } = timed(() => cluster.cycle())
    grants = result
    expectCount(grants, of.agents)
    times.push(ms)
  }
  return {
    what: `full cycle, ${name(of)}, ${of.agents} offers; then all declined`,
    ...spread(times),
    targetMs,
  }
}

/** The same in parts of the size that a master takes at most, between which other work has its turn: the longest counts. */
function slices(of: Size, agents: number): Figure {
  const cluster = new BenchCluster(of)
  let grants = cluster.cycle()
  const parts: number[] = []
  const rounds: number[] = []
  for (let round = 0; round < 6; round++) {
    cluster.decline(grants, yearMs)
    cluster.now += 1_000
    grants = []
    let sum = 0
    do {
      const { ms, result } = timed(() => cluster.allocator.cycle(cluster.now, agents))
      grants.push(...result)
      parts.push(ms)
      sum += ms
    } while (cluster.allocator.hasMore)
    expectCount(grants, of.agents)
    rounds.push(sum)
  }
  const { p50, p99, max } = quantiles(parts)
  return {
    what: `${name(of)} in slices of ${agents} agents, the longest`,
    ms: max,
    targetMs: 20,
    note: `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, ${parts.length} slices; a round ${quantiles(rounds).p50.toFixed(0)}`,
  }
}

/** S4: nothing is free. */
function nothingToGive(of: Size, targetMs: number): Figure {
  const cluster = new BenchCluster(of, { use: 'all' })
  expectCount(cluster.cycle(), 0)
  const times = Array.from({ length: 50 }, () => {
    cluster.now += 1_000
    return timed(() => expectCount(cluster.allocator.tick(cluster.now), 0)).ms
  })
  return { what: `cycle with nothing to give, ${name(of)}, all in use`, ...spread(times), targetMs }
}

/** S3: one framework in each role, each with a quota. */
function quotas(agents: number, small: number, large: number): Figure[] {
  const full: number[] = []
  const idle: number[] = []
  for (let run = 0; run < 5; run++) {
    const cluster = quotaCluster(agents, small, large)
    const { ms, result } = timed(() => cluster.cycle(0))
    expectCount(result, small + 2 * large)
    full.push(ms)
    for (let tick = 1; tick <= 10; tick++)
      idle.push(timed(() => expectCount(cluster.tick(tick * 1_000), 0)).ms)
  }
  const what = `${agents} agents, ${small + large} roles and frameworks with quota`
  return [
    { what: `${what}: full cycle`, ...spread(full), targetMs: 100, targetMb: 500 },
    { what: `${what}: cycle with nothing to do`, ...spread(idle), targetMs: 1 },
  ]
}

function quotaCluster(agents: number, small: number, large: number): Allocator {
  const allocator = new Allocator()
  const total = Resources.parse('cpus:2;mem:2048;disk:2048')
  for (let index = 0; index < agents; index++) {
    const agentId = `agent-${index}`
    allocator.setAgent({ agentId, total, hostname: agentId, attributes: {}, domain: undefined })
  }
  const [few, many] = ['cpus:1;mem:1024;disk:1024', 'cpus:4;mem:4096;disk:4096'].map(parseQuantities)
  for (let index = 0; index < small + large; index++) {
    const role = index < small ? `small-${index}` : `large-${index}`
    allocator.setFramework({
      frameworkId: `framework-${index}`,
      roles: [role],
      suppressed: new Set(),
      capabilities: new Set(),
      minAllocatable: new Map(),
      constraints: new Map(),
    })
    const quota = (index < small ? few : many) ?? new Map()
    allocator.setQuota(role, { guarantee: quota, limit: quota })
  }
  return allocator
}

/** S1 to its end: everybody has refused everything. */
function allDeclined(of: Size, targetMs: number): Figure {
  const cluster = new BenchCluster(of)
  let last = { ms: 0, result: [] as Grant[] }
  let grants = cluster.cycle()
  while (grants.length > 0) {
    cluster.decline(grants, yearMs)
    cluster.now += 1_000
    last = timed(() => cluster.cycle())
    grants = last.result
  }
  // Once more, with every agent to be looked at again, as Mesos does at each tick.
  const times = Array.from({ length: 7 }, () => {
    cluster.lookAtAll()
    return timed(() => expectCount(cluster.cycle(), 0)).ms
  })
  const idle = timed(() => expectCount(cluster.allocator.tick(cluster.now + 1_000), 0)).ms
  const filters = `${(of.agents * of.frameworks).toLocaleString('en')} filters`
  return {
    what: `${name(of)}, everybody has declined everything (${filters}), then a cycle that looks at all agents`,
    ms: quantiles(times).p50,
    targetMs,
    note: `after the last decline ${last.ms.toFixed(2)}, with nothing changed ${idle.toFixed(3)}`,
    targetMb: 300,
  }
}

/** One agent's release until its next offer. */
function oneRelease(of: Size): Figure {
  const cluster = new BenchCluster(of)
  const grants = cluster.cycle()
  const times: number[] = []
  for (let index = 0; index < 10_000; index++) {
    const grant = grants[index % grants.length]
    if (!grant) break
    const { ms, result } = timed(() => {
      cluster.allocator.recover(grant)
      return cluster.cycle()
    })
    expectCount(result, 1)
    grants[index % grants.length] = result[0] ?? grant
    times.push(ms)
  }
  const { p50, p99, max } = quantiles(times)
  return {
    what: `one agent's release until its next offer, ${name(of)}, p99`,
    ms: p99,
    targetMs: 0.2,
    note: `p50 ${p50.toFixed(3)}, max ${max.toFixed(2)}`,
  }
}

function newAgents(of: Size): Figure[] {
  const bursts = Array.from({ length: 5 }, () => timed(() => new BenchCluster(of, { use: 'none' })).ms)
  const cluster = new BenchCluster(of)
  cluster.cycle()
  const times = Array.from({ length: 1_000 }, (_, index) => {
    const { ms, result } = timed(() => {
      cluster.addAgent(of.agents + index, 'part')
      return cluster.cycle()
    })
    expectCount(result, 1)
    return ms
  })
  const { p50, p99 } = quantiles(times)
  return [
    {
      what: `add ${of.agents} agents and ${of.frameworks} frameworks in a burst`,
      ...spread(bursts),
      targetMs: 100,
    },
    {
      what: `one more agent, live, ${name(of)}, until its offer`,
      ms: p50,
      targetMs: 0.2,
      note: `p99 ${p99.toFixed(3)}`,
    },
  ]
}

function newFramework(of: Size): Figure {
  const times = Array.from({ length: 9 }, () => {
    const cluster = new BenchCluster(of)
    // Everybody has refused everything, so that all is free when the new one comes.
    for (let grants = cluster.cycle(); grants.length > 0; grants = cluster.cycle())
      cluster.decline(grants, yearMs)
    const { ms, result } = timed(() => {
      cluster.addFramework(of.frameworks)
      return cluster.cycle()
    })
    expectCount(result, of.agents)
    return ms
  })
  return {
    what: `one more framework, live, ${of.agents} free agents (refused by ${of.frameworks}), until its ${of.agents} offers`,
    ...spread(times),
    targetMs: 20,
  }
}

/** S2: 99 of 100 frameworks are suppressed. */
function suppressed(of: Size): Figure {
  const cluster = new BenchCluster(of, { suppressed: Math.floor(of.frameworks * 0.99), use: 'less' })
  let grants = cluster.cycle()
  const times: number[] = []
  for (let round = 0; round < 8; round++) {
    cluster.decline(grants)
    cluster.now += 1_000
    const { ms, result } = timed(() => cluster.cycle())
    grants = result
    expectCount(grants, of.agents)
    times.push(ms)
  }
  return { what: `cycle that offers all, ${name(of)}, 99 % suppressed`, ...spread(times), targetMs: 60 }
}

export const works: Readonly<Record<string, () => Figure[]>> = {
  'declines-10000': () => [declines(size(10_000, 1_000), 35)],
  'declines-20000': () => [declines(size(20_000, 2_000), 100)],
  'declines-50000': () => [declines(size(50_000, 1_000), 200, 8)],
  'slices-50000': () => [slices(size(50_000, 1_000), 250)],
  'nothing-to-give': () => [nothingToGive(size(10_000, 1_000), 0.5)],
  quotas: () => quotas(3_000, 2_500, 500),
  'all-declined': () => [allDeclined(size(1_000, 1_000), 5)],
  'one-release': () => [oneRelease(size(10_000, 1_000))],
  'new-agents': () => newAgents(size(10_000, 1_000)),
  'new-framework': () => [newFramework(size(10_000, 10))],
  suppressed: () => [suppressed(size(20_000, 2_000))],
}

function name({ agents, frameworks }: Size): string {
  return `${agents.toLocaleString('en')} agents x ${frameworks.toLocaleString('en')} frameworks`
}

function spread(times: readonly number[]): { readonly ms: number; readonly note: string } {
  const { p50, max } = quantiles(times)
  return { ms: p50, note: `${Math.min(...times).toFixed(2)} to ${max.toFixed(2)}, n=${times.length}` }
}

function expectCount(grants: readonly Grant[], count: number): void {
  if (grants.length !== count) throw new Error(`${count} offers were expected, got ${grants.length}`)
}
