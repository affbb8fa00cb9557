import { offerOutcomes } from '@tender/sdk/protocol'
import { taskStates } from '@tender/sdk/values'
import prometheus from 'prom-client'
import type { Series } from '../allocator/types.js'
import type { ClusterEvent } from '../core/view.js'
import type { EventHub } from './events.js'
import type { MasterPort } from './port.js'

const { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } = prometheus

export interface MasterMetrics {
  readonly contentType: string
  /** All figures as they are now. */
  read(): Promise<string>
  /** Making the offers that were due at once took so long. */
  cycleTook(ms: number): void
}

/** Counts what the hub publishes, and reads the rest from the master when it is asked. */
export function createMetrics(master: MasterPort, hub: EventHub): MasterMetrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const byState = (name: string, help: string) => new Gauge({ name, help, labelNames: ['state'], registers })
  const leads = gauge('tender_leader', 'Whether this master leads: 1 or 0')
  const epoch = gauge('tender_epoch', 'The epoch in which this master leads; 0 on a standby')
  const suspicion = gauge(
    'tender_suspects_own_link',
    'Whether so many agents are silent at once that this master suspects its own link: 1 or 0',
  )
  const unwell = gauge('tender_agents_unwell', 'Agents that say that they cannot run what they have')
  const agents = byState('tender_agents', 'Agents by state')
  const frameworks = byState('tender_frameworks', 'Frameworks by state')
  const tasks = byState('tender_tasks', 'Tasks by state; ended ones as far as they are remembered')
  const outstanding = gauge('tender_offers_outstanding', 'Offers that are not answered yet')

  const made = new Counter({ name: 'tender_offers_made_total', help: 'Offers made', registers })
  const ended = new Counter({
    name: 'tender_offers_ended_total',
    help: 'Offers that have ended, by outcome',
    labelNames: ['outcome'],
    registers,
  })
  const updates = new Counter({
    name: 'tender_task_updates_total',
    help: 'Changes of tasks, by the state they are in then',
    labelNames: ['state'],
    registers,
  })
  const age = new Histogram({
    name: 'tender_offer_age_seconds',
    help: 'How long offers were outstanding, by outcome',
    labelNames: ['outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
    registers,
  })
  const cycles = new Histogram({
    name: 'tender_allocator_cycle_seconds',
    help: 'How long the master was busy making the offers that were due',
    buckets: [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1],
    registers,
  })
  const allocator = new Map<string, prometheus.Gauge>()
  const allocatorGauge = (name: string, help: string, ...labelNames: string[]) =>
    allocator.set(name, new Gauge({ name, help, labelNames, registers }))
  allocatorGauge('tender_allocator_resources_total', 'Scalar resources of all agents', 'resource')
  allocatorGauge('tender_allocator_resources_held', 'What is offered, or used by tasks', 'resource')
  allocatorGauge('tender_allocator_filters_active', 'Refusals that hold', 'role')
  allocatorGauge('tender_allocator_dominant_share', 'Dominant share, divided by the weight', 'role')
  const ofQuota = ['role', 'resource']
  allocatorGauge('tender_allocator_quota_guarantee', 'What a role is guaranteed', ...ofQuota)
  allocatorGauge('tender_allocator_quota_limit', 'What a role may have at most', ...ofQuota)
  allocatorGauge(
    'tender_allocator_quota_held',
    'What a role with a quota holds, those below it included',
    ...ofQuota,
  )

  // A series that begins with its first event hides that event from rate().
  for (const outcome of offerOutcomes) ended.inc({ outcome }, 0)
  for (const state of taskStates) updates.inc({ state }, 0)

  hub.onEvent((event: ClusterEvent) => {
    if (event.kind === 'offer-made') made.inc()
    if (event.kind === 'task' && event.task) updates.inc({ state: event.task.state })
    if (event.kind === 'offer-ended' && event.offer) {
      ended.inc({ outcome: event.offer.state })
      age.observe({ outcome: event.offer.state }, event.offer.ageMs / 1000)
    }
  })

  return {
    contentType: registry.contentType,
    async read() {
      const isLeader = master.isLeader()
      leads.set(isLeader ? 1 : 0)
      suspicion.set(isLeader && master.leader()?.suspicion ? 1 : 0)
      epoch.set(master.leader()?.epoch ?? 0)
      // A standby knows of none; the zeros let the sum over all masters be that of the leader.
      const counts = isLeader ? master.counts() : undefined
      unwell.set(counts?.unwellAgents ?? 0)
      setByState(agents, ['registered', 'recovering', 'unreachable'], counts?.agents)
      setByState(frameworks, ['connected', 'disconnected'], counts?.frameworks)
      setByState(tasks, taskStates, counts?.tasks)
      outstanding.set(counts?.outstandingOffers ?? 0)
      setSeries(allocator, isLeader ? master.allocatorSeries() : [])
      return registry.metrics()
    },
    cycleTook: ms => cycles.observe(ms / 1000),
  }
}

/** Roles and resources come and go: what is no longer told is no longer shown. */
function setSeries(gauges: ReadonlyMap<string, prometheus.Gauge>, series: readonly Series[]): void {
  for (const gauge of gauges.values()) gauge.reset()
  for (const { name, labels, value } of series) {
    const gauge = gauges.get(name)
    if (!gauge) throw new Error(`the allocator tells of ${name}, which is no metric of the master`)
    gauge.set(labels, value)
  }
}

function setByState(
  gauge: prometheus.Gauge<'state'>,
  states: readonly string[],
  counts: ReadonlyMap<string, number> = new Map(),
): void {
  for (const state of states) gauge.set({ state }, counts.get(state) ?? 0)
}
