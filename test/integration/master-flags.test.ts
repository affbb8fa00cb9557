import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Offer, type Scheduler } from '@tender/sdk'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { until } from '../../cli/dev/until.js'
import { BenchPart } from '../bench/parts.js'
import { useNats } from '../support/nats.js'

describe('a master started with flags', function () {
  this.timeout(20_000)
  const parts: BenchPart[] = []
  const schedulers: Scheduler[] = []
  let workDir: string
  let master: string

  // Before NATS, whose own hooks come after this one.
  after(async () => {
    for (const scheduler of schedulers) await scheduler.teardown()
    for (const part of parts.toReversed()) await part.stop()
    await rm(workDir, { recursive: true, force: true })
  })

  const nats = useNats()

  before(async () => {
    workDir = await mkdtemp(join(tmpdir(), 'tender-flags-'))
    const flags = ['--region', 'north', '--min-allocatable', 'cpus:2|mem:512', '--fairness-excluded', 'mem']
    const part = start('master', '--port', '0', ...flags)
    master = await part.says(/answers at (http:\S+)/)
    await part.says(/elected leader/)
    for (const [id, resources, domain] of [
      ['near', 'cpus:4;mem:400', 'north/n1'],
      ['far', 'cpus:4;mem:40', 'south/s1'],
      ['small', 'cpus:1;mem:40', 'north/n1'],
    ] as const) {
      const where = ['--agent-id', id, '--work-dir', join(workDir, id), '--domain', domain]
      const what = ['--resources', `${resources};disk:0;ports:[31000-31001]`, '--containerizers', 'process']
      await start('agent', ...where, ...what).says(/registered with the leader/)
    }
  })

  function start(...args: string[]): BenchPart {
    const part = new BenchPart([...args, '--nats', nats().url, '--cluster', 'flags'])
    parts.push(part)
    return part
  }

  /** The agents that a new framework is offered, in the order of their names. */
  async function offeredTo(frameworkId: string, capabilities: readonly 'region'[], count: number) {
    const offers: Offer[] = []
    const framework = { frameworkId, name: frameworkId, roles: [frameworkId], capabilities }
    const options = { nats: nats().url, cluster: 'flags', framework }
    schedulers.push(
      await connect({ ...options, offers: list => void offers.push(...list), update: () => {} }),
    )
    await until(`${count} offers`, 5_000, async () => (offers.length >= count ? offers : undefined))
    return offers.map(({ agentId }) => agentId).toSorted()
  }

  it('offers only what is enough, and other regions only to those that know of regions', async () => {
    expect(await offeredTo('plain', [], 1)).to.deep.equal(['near'])
    expect(await offeredTo('regional', ['region'], 1)).to.deep.equal(['far'])
  })

  it("shows its allocator's figures", async () => {
    const text = await (await fetch(`${master}/metrics`)).text()
    const lines = text.split('\n')
    // Of mem it holds most, but that does not count.
    expect(lines).to.include.members([
      'tender_allocator_resources_total{resource="cpus"} 9',
      'tender_allocator_resources_held{resource="cpus"} 8',
      'tender_allocator_filters_active{role="plain"} 0',
      `tender_allocator_dominant_share{role="plain"} ${4 / 9}`,
    ])
    const cycles = /^tender_allocator_cycle_seconds_count (\d+)$/m.exec(text)
    expect(Number(cycles?.[1])).to.be.at.least(2)
  })
})
