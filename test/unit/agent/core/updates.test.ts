import { expect } from 'chai'
import { describe, it } from 'mocha'
import { AgentRig } from './agent-rig.js'

describe('an update of an agent', () => {
  it('says where those begin that are not acknowledged', () => {
    const rig = AgentRig.registered('t1')
    rig.kill('t1')
    rig.acknowledge('t1', 1)
    rig.exits('t1')
    const updates = rig.sent
      .filter(({ kind }) => kind === 'update')
      .map(({ body }) => body as { readonly status: { readonly sequence: number }; readonly oldest?: number })
    expect(updates.map(({ status, oldest }) => [status.sequence, oldest])).to.deep.equal([
      [2, 1],
      [3, 2],
    ])
  })
})
