import { Resources } from '@tender/sdk/values'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { Allocator, defaultAllocatorSettings } from '../../../master/allocator/allocator.js'

const total = Resources.parse('cpus:1;mem:1024')

/** Who is offered each of a thousand agents, when roles are drawn by lot. */
function drawn({ seed, suppressed = [] }: { seed: number; suppressed?: readonly string[] }): string[] {
  const allocator = new Allocator({ ...defaultAllocatorSettings, sorter: 'random', seed })
  allocator.setWeight('heavy', 3)
  for (const [frameworkId, role] of [
    ['a', 'light'],
    ['b', 'heavy'],
    ['c', 'heavy'],
  ] as const) {
    const suppressedRoles = new Set(suppressed.includes(frameworkId) ? [role] : [])
    allocator.setFramework({
      frameworkId,
      roles: [role],
      suppressed: suppressedRoles,
      capabilities: new Set(),
      minAllocatable: new Map(),
      constraints: new Map(),
    })
  }
  for (let index = 0; index < 1_000; index++) {
    const agentId = `agent${index}`
    allocator.setAgent({ agentId, total, hostname: agentId, attributes: {}, domain: undefined })
  }
  return allocator.cycle(0).map(({ frameworkId }) => frameworkId)
}

function partOf(frameworkId: string, all: readonly string[]): number {
  return all.filter(each => each === frameworkId).length / all.length
}

describe('allocation by lot', () => {
  it('serves roles by their weights, and the frameworks of a role evenly', () => {
    const all = drawn({ seed: 1 })
    expect(
      [partOf('a', all), partOf('b', all), partOf('c', all)].map(part => Math.round(part * 8)),
    ).to.deep.equal([2, 3, 3])
  })

  it('is the same with the same seed, and another with another', () => {
    expect(drawn({ seed: 7 })).to.deep.equal(drawn({ seed: 7 }))
    expect(drawn({ seed: 7 })).not.to.deep.equal(drawn({ seed: 8 }))
  })

  it('draws nobody who is suppressed', () => {
    const all = drawn({ seed: 1, suppressed: ['b', 'c'] })
    expect(partOf('a', all)).to.equal(1)
  })
})
