import type { Capability } from '@tender/sdk/protocol'
import { parseQuantities, Resources, type WireResources } from '@tender/sdk/values'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { Allocator } from '../../../master/allocator/allocator.js'
import type { AllocatorSettings, Grant } from '../../../master/allocator/types.js'
import type { ComparedAllocator } from '../../support/reference-allocator/compared-allocator.js'
import { ReferenceAllocator } from '../../support/reference-allocator/reference-allocator.js'

const settings: AllocatorSettings = {
  allocationIntervalMs: 1000,
  allocateOnRelease: true,
  minAllocatable: [],
  fairnessExcluded: new Set(),
  demandAware: true,
  sorter: 'drf',
  seed: 1,
}

class Cluster {
  readonly allocator: ComparedAllocator
  now = 0

  constructor(allocator: ComparedAllocator) {
    this.allocator = allocator
  }

  agent(agentId: string, total: string): this {
    this.allocator.setAgent({
      agentId,
      total: Resources.parse(total),
      hostname: agentId,
      attributes: {},
      domain: undefined,
    })
    return this
  }

  framework(frameworkId: string, roles: readonly string[], capabilities: readonly Capability[] = []): this {
    this.allocator.setFramework({
      frameworkId,
      roles,
      suppressed: new Set(),
      capabilities: new Set(capabilities),
      minAllocatable: new Map(),
      constraints: new Map(),
    })
    return this
  }

  quota(role: string, guarantee: string, limit = ''): this {
    this.allocator.setQuota(role, {
      guarantee: parseQuantities(guarantee),
      limit: parseQuantities(limit),
    })
    return this
  }

  wants(frameworkId: string, role: string, count: number, resources: WireResources): this {
    this.allocator.setDemand(frameworkId, role, [{ count, resources }])
    return this
  }

  /** What a cycle offers now: `agent framework@role resources`. */
  offers(): string[] {
    return this.cycle().map(textOf)
  }

  cycle(): Grant[] {
    return this.allocator.cycle(this.now)
  }

  tick(): string[] {
    this.now += 1000
    return this.allocator.tick(this.now).map(textOf)
  }
}

function textOf({ agentId, frameworkId, role, resources }: Grant): string {
  return `${agentId} ${frameworkId}@${role} ${String(resources)}`
}

const kinds = {
  'the reference model': ReferenceAllocator,
  'the allocator': Allocator,
}

// Worked out by hand, so that the model can be trusted, and what was wrong once.
for (const [name, Kind] of Object.entries(kinds)) {
  const clusterOf = (changed: Partial<AllocatorSettings> = {}) =>
    new Cluster(new Kind({ ...settings, ...changed }))

  describe(name, () => {
    it('ends where the paper on dominant resource fairness does: three tasks for one, two for the other', () => {
      const cluster = clusterOf().agent('agent', 'cpus:9;mem:18')
      cluster.framework('A', ['a']).framework('B', ['b'])
      const tasks = { A: 0, B: 0 }
      for (let round = 0; round < 5; round++) {
        cluster.wants('A', 'a', 1, { cpus: 1, mem: 4 }).wants('B', 'b', 1, { cpus: 3, mem: 1 })
        for (const grant of cluster.cycle()) {
          cluster.allocator.use(grant)
          tasks[grant.frameworkId as 'A' | 'B'] += 1
        }
      }
      expect(tasks).to.deep.equal({ A: 3, B: 2 })
      expect([cluster.allocator.roleShare('a'), cluster.allocator.roleShare('b')]).to.deep.equal([
        2 / 3,
        2 / 3,
      ])
    })

    it('gives a new agent to the smaller dominant share, of a role first and of a framework then', () => {
      const cluster = clusterOf().framework('framework1', ['role1']).agent('agent1', 'cpus:2;mem:1024')
      expect(cluster.offers()).to.deep.equal(['agent1 framework1@role1 cpus:2;mem:1024'])
      cluster.framework('framework2', ['role2']).agent('agent2', 'cpus:1;mem:512')
      expect(cluster.offers()).to.deep.equal(['agent2 framework2@role2 cpus:1;mem:512'])
      // Of 6 cpus and 3584 MB, role1 has a third and role2 a sixth.
      cluster.agent('agent3', 'cpus:3;mem:2048')
      expect(cluster.offers()).to.deep.equal(['agent3 framework2@role2 cpus:3;mem:2048'])
      // Of 10 cpus, role1 has 2 and role2 has 4.
      cluster.framework('framework3', ['role1']).agent('agent4', 'cpus:4;mem:4096')
      expect(cluster.offers()).to.deep.equal(['agent4 framework3@role1 cpus:4;mem:4096'])
      expect(cluster.allocator.roleShare('role2')).to.be.closeTo(0.4, 1e-12)
    })

    it('gives a role of twice the weight twice as much', () => {
      const cluster = clusterOf().framework('framework1', ['role1']).framework('framework2', ['role2'])
      cluster.allocator.setWeight('role2', 2)
      for (const number of [1, 2, 3, 4, 5, 6]) cluster.agent(`agent${number}`, 'cpus:2;mem:1024')
      // role1: 0, 1/6, 1/6, 1/6, 2/6, 2/6; role2: 0, 0, 1/12, 2/12, 2/12, 3/12. The tie goes to who had fewer offers.
      expect(cluster.cycle().map(grant => grant.frameworkId)).to.deep.equal([
        'framework1',
        'framework2',
        'framework2',
        'framework1',
        'framework2',
        'framework2',
      ])
    })

    it('compares shares exactly: 0.3 / 0.1 is 0.9 / 0.3', () => {
      const cluster = clusterOf().agent('agent', 'cpus:10;mem:10').framework('framework', ['b', 'a'])
      cluster.allocator.setWeight('b', 0.1)
      cluster.allocator.setWeight('a', 0.3)
      const held = { frameworkId: 'framework', agentId: 'agent' }
      cluster.allocator.charge({ ...held, role: 'b', resources: Resources.parse('cpus:3') })
      cluster.allocator.charge({ ...held, role: 'a', resources: Resources.parse('mem:9') })
      expect(cluster.allocator.roleOrder()).to.deep.equal(['a', 'b'])
    })

    it('lets a role with children compete with them as one more child', () => {
      const cluster = clusterOf().agent('agent', 'cpus:10').framework('framework', ['a', 'a/b', 'a/c', 'z'])
      const held = { frameworkId: 'framework', agentId: 'agent' }
      expect(cluster.allocator.roleOrder()).to.deep.equal(['a', 'a/b', 'a/c', 'z'])
      cluster.allocator.charge({ ...held, role: 'a/b', resources: Resources.parse('cpus:2') })
      cluster.allocator.charge({ ...held, role: 'a', resources: Resources.parse('cpus:3') })
      // a has 5 of 10: 3 by itself, 2 by a/b.
      expect(cluster.allocator.roleOrder()).to.deep.equal(['z', 'a/c', 'a/b', 'a'])
      expect(cluster.allocator.roleShare('a')).to.equal(0.5)
      cluster.allocator.setWeight('a/b', 0.1)
      expect(cluster.allocator.roleOrder()).to.deep.equal(['z', 'a/c', 'a', 'a/b'])
    })

    it('offers what is reserved to that role and to those below it', () => {
      const total = 'cpus(a):1;cpus(a/b):2;cpus(ab):3;cpus(a/b<a):4'
      const cluster = clusterOf().agent('agent', total).framework('upper', ['a'])
      expect(cluster.offers()).to.deep.equal(['agent upper@a cpus(a):1'])
      cluster.framework('lower', ['a/b'], ['refinement'])
      expect(cluster.offers()).to.deep.equal(['agent lower@a/b cpus(a/b):2;cpus(a/b<a):4'])
      cluster.framework('other', ['ab']).framework('anyone', ['*'])
      expect(cluster.offers()).to.deep.equal(['agent other@ab cpus(ab):3'])
    })

    it('serves a guarantee first, with what else of the agent it may have', () => {
      const cluster = clusterOf().framework('A', ['a']).framework('Z', ['z']).quota('z', 'cpus:2')
      cluster.agent('agent', 'cpus:3;mem:1024;ports:[1-9]')
      // The rest goes to both by shares: z has all of the memory by now.
      expect(cluster.offers()).to.deep.equal(['agent Z@z cpus:2;mem:1024;ports:[1-9]', 'agent A@a cpus:1'])
    })

    it('keeps free what is missing to a guarantee of a role without frameworks', () => {
      const cluster = clusterOf().framework('A', ['a']).quota('q', 'cpus:2').quota('q/r', 'cpus:1.5')
      cluster.agent('agent1', 'cpus:1.5;mem:10').agent('agent2', 'cpus:1;cpus(q):0.25')
      // Missing to q are 1.75 of 2.5, those of q/r included.
      expect(cluster.offers()).to.deep.equal(['agent1 A@a cpus:0.75;mem:10'])
    })

    it('counts what stays missing after a grant: a role with a guarantee may use its own headroom', () => {
      const cluster = clusterOf().framework('A', ['a/x']).quota('a', 'cpus:2').quota('b', 'cpus:1')
      cluster.agent('agent', 'cpus:4')
      // 2 for the guarantee, and 1 more; 1 stays for b.
      expect(cluster.offers()).to.deep.equal(['agent A@a/x cpus:3'])
    })

    it('gives nothing beyond a limit of the role or of one above it, mounts as a whole', () => {
      const cluster = clusterOf()
        .framework('A', ['a/b'])
        .quota('a', '', 'disk:95;cpus:1')
        .quota('a/b', '', 'cpus:2')
      cluster.agent('agent', 'cpus:4;mem:8;disk:30;disk{mount}:50;disk{mount}:20;disk{mount}:50;cpus(a):0.25')
      expect(cluster.offers()).to.deep.equal([
        'agent A@a/b cpus:0.75;cpus(a):0.25;disk:25;disk{mount}:20;disk{mount}:50;mem:8',
      ])
    })

    it('keeps a filter until its time is over and a cycle has passed under it', () => {
      const cluster = clusterOf().framework('A', ['a']).agent('agent', 'cpus:2')
      const [grant] = cluster.cycle()
      cluster.allocator.recover(grant!, 500)
      cluster.now = 500
      expect(cluster.offers()).to.deep.equal([])
      expect(cluster.offers()).to.deep.equal(['agent A@a cpus:2'])
    })

    it('filters a subset of what was refused, and nothing that is more', () => {
      const cluster = clusterOf().framework('A', ['a']).agent('agent', 'cpus:2')
      const [grant] = cluster.cycle()
      cluster.allocator.use({ ...grant!, resources: Resources.parse('cpus:1') })
      cluster.allocator.recover({ ...grant!, resources: Resources.parse('cpus:1') }, 60_000)
      expect(cluster.offers()).to.deep.equal([])
      cluster.agent('agent', 'cpus:2.001')
      expect(cluster.offers()).to.deep.equal(['agent A@a cpus:1.001'])
    })

    it('lets what comes back wait for the tick when told so', () => {
      const cluster = clusterOf({ allocateOnRelease: false }).framework('A', ['a']).agent('agent', 'cpus:2')
      const [grant] = cluster.cycle()
      cluster.allocator.recover(grant!, 500)
      cluster.now = 600
      expect(cluster.offers()).to.deep.equal([])
      expect(cluster.tick()).to.deep.equal([])
      expect(cluster.offers()).to.deep.equal([])
      expect(cluster.tick()).to.deep.equal(['agent A@a cpus:2'])
    })

    it('offers as many whole shapes as are wanted still, and the rest to others', () => {
      const cluster = clusterOf().framework('A', ['a']).framework('B', ['b'])
      cluster.wants('A', 'a', 3, { cpus: 1, ports: 2 })
      cluster.agent('agent1', 'cpus:2;cpus(a):0.5;mem:9;ports:[1-9]').agent('agent2', 'cpus:4;ports:[1-9]')
      const offered = cluster.cycle()
      expect(offered.map(textOf)).to.deep.equal([
        'agent1 A@a cpus:1.5;cpus(a):0.5;ports:[1-4]',
        'agent1 B@b cpus:0.5;mem:9;ports:[5-9]',
        'agent2 A@a cpus:1;ports:[1-2]',
        'agent2 B@b cpus:3;ports:[3-9]',
      ])
      // One of two is launched, the other comes back and is wanted still; the third stands in the offer of agent2.
      const [first] = offered
      cluster.allocator.use({ ...first!, resources: Resources.parse('cpus:0.5;cpus(a):0.5;ports:[1-2]') })
      cluster.allocator.recover({ ...first!, resources: Resources.parse('cpus:1;ports:[3-4]') })
      expect(cluster.allocator.demand('A', 'a')).to.deep.equal([
        { count: 2, resources: { cpus: 1, ports: 2 } },
      ])
      expect(cluster.offers()).to.deep.equal(['agent1 A@a cpus:1;ports:[3-4]'])
      expect(cluster.offers()).to.deep.equal([])
    })

    it('offers a shared volume to several, but once in a cycle, and counts it once', () => {
      const cluster = clusterOf().framework('A', ['a'], ['shared']).framework('B', ['a'], ['shared'])
      cluster.framework('C', ['a']).agent('agent', 'disk(a)[v:data]{shared}:5;disk:15')
      const [grant, ...others] = cluster.cycle()
      expect([textOf(grant!), ...others]).to.deep.equal(['agent A@a disk:15;disk(a)[v:data]{shared}:5'])
      cluster.allocator.use(grant!)
      const [second] = cluster.cycle()
      expect(textOf(second!)).to.equal('agent B@a disk(a)[v:data]{shared}:5')
      cluster.allocator.use(second!)
      expect(cluster.allocator.roleShare('a')).to.equal(1)
      expect(cluster.allocator.frameworkShare('a', 'B')).to.equal(0.25)
    })

    it('offers nothing below the minimum, which counts all kinds of a name together', () => {
      const minAllocatable = [parseQuantities('cpus:1;mem:32'), parseQuantities('ports:3')]
      const cluster = clusterOf({ minAllocatable }).framework('A', ['a'])
      cluster
        .agent('agent1', 'cpus:2')
        .agent('agent2', 'cpus:0.5;cpus(a):0.5;mem:32')
        .agent('agent3', 'ports:[1-2]')
      expect(cluster.offers()).to.deep.equal(['agent2 A@a cpus:0.5;cpus(a):0.5;mem:32'])
      cluster.agent('agent3', 'ports:[1-3]')
      expect(cluster.offers()).to.deep.equal(['agent3 A@a ports:[1-3]'])
    })

    it('keeps agents with gpus for those who can use them, and revocable resources too', () => {
      const cluster = clusterOf().framework('A', ['a']).framework('B', ['b'], ['gpu'])
      cluster.framework('C', ['c'], ['revocable'])
      cluster.agent('agent1', 'cpus:2;gpus:1').agent('agent2', 'cpus{revocable}:3')
      expect(cluster.offers()).to.deep.equal(['agent1 B@b cpus:2;gpus:1', 'agent2 C@c cpus{revocable}:3'])
    })

    it('offers the rest of an agent to others in the cycle in which a shared volume is offered', () => {
      const cluster = clusterOf().framework('B', ['b'], ['shared']).framework('C', ['c'])
      cluster
        .wants('B', 'b', 1, { 'disk(b)[v:data]{shared}': 20 })
        .agent('agent', 'cpus:1;disk(b)[v:data]{shared}:20')
      expect(cluster.offers()).to.deep.equal(['agent B@b disk(b)[v:data]{shared}:20', 'agent C@c cpus:1'])
    })

    it('holds the whole offer against the minimum, not what is added to it beyond the guarantee', () => {
      const cluster = clusterOf({ minAllocatable: [parseQuantities('cpus:1;mem:256')] }).framework('A', ['a'])
      cluster.quota('a', 'cpus:1.5', 'mem:1024').agent('agent', 'cpus:2;mem:1024')
      expect(cluster.offers()).to.deep.equal(['agent A@a cpus:2;mem:1024'])
    })

    it('serves a guarantee first only with what it is missing', () => {
      const cluster = clusterOf().framework('A', ['a']).framework('B', ['b']).quota('b', 'cpus:1')
      cluster.wants('B', 'b', 1, { mem: 256 }).agent('agent', 'cpus:4;mem:1024')
      expect(cluster.offers()).to.deep.equal(['agent A@a cpus:3;mem:1024'])
    })

    it('offers what is wanted still when a task was launched that is none of the shapes', () => {
      const cluster = clusterOf().framework('A', ['a']).wants('A', 'a', 2, { cpus: 1 })
      cluster.agent('agent1', 'cpus:2').agent('agent2', 'cpus:2')
      const [grant] = cluster.cycle()
      cluster.allocator.use(grant!)
      expect(cluster.offers()).to.deep.equal(['agent2 A@a cpus:2'])
    })

    it('knows for which shapes an offer that stands was made', () => {
      const cluster = clusterOf().framework('A', ['a'])
      cluster.allocator.setDemand('A', 'a', [
        { count: 1, resources: { cpus: 1 } },
        { count: 1, resources: { cpus: 2 } },
      ])
      const [first] = cluster.agent('agent1', 'cpus:1').agent('agent2', 'cpus:2').cycle()
      cluster.allocator.recover(first!, 60_000)
      cluster.agent('agent3', 'cpus:3')
      expect(cluster.offers()).to.deep.equal(['agent3 A@a cpus:1'])
    })

    it('lowers the count of the shape that a task equals, kind by kind', () => {
      const cluster = clusterOf().framework('A', ['a'], ['revocable'])
      cluster.allocator.setDemand('A', 'a', [
        { count: 1, resources: { 'cpus{revocable}': 1 } },
        { count: 1, resources: { cpus: 1 } },
      ])
      const [grant] = cluster.agent('agent', 'cpus:1').cycle()
      cluster.allocator.use(grant!)
      expect(cluster.allocator.demand('A', 'a')?.map(shape => shape.count)).to.deep.equal([1, 0])
    })

    it('offers at once what need not stay free any more because a task was reported', () => {
      const cluster = clusterOf().framework('A', ['a']).quota('q', 'cpus:1')
      cluster.agent('agent1', 'cpus:2').agent('agent2', 'cpus:4')
      cluster.allocator.setAgentCondition('agent1', 'draining')
      expect(cluster.offers()).to.deep.equal(['agent2 A@a cpus:3'])
      const task = { frameworkId: 'Q', role: 'q', agentId: 'agent1', resources: Resources.parse('cpus:0.5') }
      cluster.allocator.charge(task)
      expect(cluster.offers()).to.deep.equal(['agent2 A@a cpus:0.5'])
    })

    it('knows a role by any reservation', () => {
      const cluster = clusterOf().agent('agent', 'cpus(a):1;ports(b):[1-9]')
      const shares = ['a', 'b', 'c'].map(role => cluster.allocator.roleShare(role))
      expect(shares).to.deep.equal([0, 0, undefined])
    })

    it('remembers the offers made to a role for as long as a reservation is for it', () => {
      const cluster = clusterOf().framework('A', ['a']).agent('agent', 'cpus:1;cpus(a):2')
      const [grant] = cluster.cycle()
      cluster.allocator.recover(grant!)
      cluster.allocator.removeFramework('A')
      cluster.agent('agent', 'cpus:1;cpus(a):2').framework('A', ['a', 'b'])
      expect(cluster.offers()).to.deep.equal(['agent A@b cpus:1', 'agent A@a cpus(a):2'])
    })
  })
}
