import { Resources } from '@tender/sdk/values'
import { Allocator, defaultAllocatorSettings } from '../../../master/allocator/allocator.js'
import type { AgentFacts, Grant } from '../../../master/allocator/types.js'

const total = Resources.parse('cpus:24;mem:4096;disk:4096;ports:[31000-32000]')
// 15 single ports and the rest, as in Mesos' own benchmark: what is free is fragmented.
const singles = Array.from({ length: 15 }, (_, index) => `${31_000 + 2 * index}-${31_000 + 2 * index}`)
const inUse = Resources.parse(`cpus:16;mem:2014;disk:1024;ports:[${singles.join(',')},31030-32000]`)
const inUseLess = Resources.parse(`cpus:16;mem:1024;disk:1024;ports:[${singles.join(',')},31030-32000]`)

export const yearMs = 365 * 86_400_000

export interface Size {
  readonly agents: number
  readonly frameworks: number
}

export type Use = 'part' | 'less' | 'all' | 'none'

/** The clusters that Mesos' allocator was measured on: every framework in one role, part of each agent in use. */
export class BenchCluster {
  readonly allocator: Allocator
  readonly size: Size
  now = 0

  constructor(size: Size, options: { suppressed?: number; use?: Use } = {}) {
    this.size = size
    this.allocator = new Allocator(defaultAllocatorSettings)
    for (let index = 0; index < size.frameworks; index++)
      this.addFramework(index, index < (options.suppressed ?? 0))
    for (let index = 0; index < size.agents; index++) this.addAgent(index, options.use ?? 'part')
  }

  addFramework(index: number, isSuppressed = false): void {
    this.allocator.setFramework({
      frameworkId: `framework-${index}`,
      roles: ['*'],
      suppressed: new Set(isSuppressed ? ['*'] : []),
      capabilities: new Set(),
      minAllocatable: new Map(),
      constraints: new Map(),
    })
  }

  addAgent(index: number, use: Use): void {
    const agentId = `agent-${index}`
    const facts: AgentFacts = { agentId, total, hostname: agentId, attributes: {}, domain: undefined }
    this.allocator.setAgent(facts)
    if (use === 'none') return
    const frameworkId = `framework-${index % this.size.frameworks}`
    const resources = use === 'part' ? inUse : use === 'less' ? inUseLess : total
    this.allocator.charge({ frameworkId, role: '*', agentId, resources })
  }

  /** All agents are to be looked at again, although nothing of them has changed. */
  lookAtAll(): void {
    for (let index = 0; index < this.size.agents; index++) {
      const agentId = `agent-${index}`
      this.allocator.setAgent({ agentId, total, hostname: agentId, attributes: {}, domain: undefined })
    }
  }

  cycle(): Grant[] {
    return this.allocator.cycle(this.now)
  }

  decline(grants: readonly Grant[], refuseMs?: number): void {
    const until = refuseMs === undefined ? undefined : this.now + refuseMs
    for (const grant of grants) this.allocator.recover(grant, until)
  }
}

export function timed<T>(work: () => T): { readonly ms: number; readonly result: T } {
  const start = performance.now()
  const result = work()
  return { ms: performance.now() - start, result }
}
