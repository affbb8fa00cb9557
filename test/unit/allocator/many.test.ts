import { Resources } from '@tender/sdk/values'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { Allocator } from '../../../master/allocator/allocator.js'

describe('a very large cluster', () => {
  it('is offered at once, and again when all filters end in one instant', () => {
    const allocator = new Allocator()
    const total = Resources.parse('cpus:1;mem:1024')
    // More than a function takes as arguments.
    const count = 150_000
    for (let index = 0; index < count; index++) {
      const agentId = `agent${index}`
      allocator.setAgent({ agentId, total, hostname: agentId, attributes: {}, domain: undefined })
    }
    allocator.setFramework({
      frameworkId: 'web',
      roles: ['*'],
      suppressed: new Set(),
      capabilities: new Set(),
      minAllocatable: new Map(),
      constraints: new Map(),
    })
    const grants = allocator.cycle(0)
    for (const grant of grants) allocator.recover(grant, 1_000)
    expect([grants.length, allocator.cycle(999).length, allocator.cycle(1_000).length]).to.deep.equal([
      count,
      0,
      count,
    ])
  })
})
