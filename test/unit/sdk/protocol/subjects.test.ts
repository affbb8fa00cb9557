import { type Peer, Subjects } from '@tender/sdk/protocol'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'

const subjects = new Subjects('prod')
const agent: Peer = { kind: 'agent', id: 'a1' }
const framework: Peer = { kind: 'framework', id: 'web' }

describe('subjects', () => {
  it('say which cluster, who speaks and in which direction', () => {
    expect([
      subjects.leader,
      subjects.toLeader(agent),
      subjects.toLeader(framework),
      subjects.toPeer(agent),
      subjects.toPeer(framework),
      ...subjects.allToLeader,
    ]).to.deep.equal([
      'tender.prod.leader',
      'tender.prod.master.agent.a1',
      'tender.prod.master.framework.web',
      'tender.prod.agent.a1',
      'tender.prod.framework.web',
      'tender.prod.master.agent.*',
      'tender.prod.master.framework.*',
    ])
  })

  it('tell the leader who speaks', () => {
    const ids = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/)
    fc.assert(
      fc.property(fc.constantFrom('agent' as const, 'framework' as const), ids, (kind, id) => {
        expect(subjects.peerOf(subjects.toLeader({ kind, id }))).to.deep.equal({ kind, id })
      }),
    )
  })

  it('tell of nobody when the id is no token, or the kind is not known', () => {
    const strange = ['', '*', '>', '-a', '_a', 'a b', 'a$', 'a/b', 'ä', 'x'.repeat(64)]
    expect(strange.map(id => subjects.peerOf(`tender.prod.master.agent.${id}`))).to.deep.equal(
      strange.map(() => undefined),
    )
    expect(subjects.peerOf('tender.prod.master.operator.a1')).to.equal(undefined)
    expect(subjects.peerOf('tender.prod.master')).to.equal(undefined)
  })

  for (const name of ['', 'a.b', 'a*', '>', 'a b', 'x'.repeat(64)]) {
    it(`refuse a cluster named '${name.slice(0, 10)}'`, () => {
      expect(() => new Subjects(name)).to.throw(
        TypeError,
        `a cluster's name is 1 to 63 letters, digits, '_' or '-', got '${name}'`,
      )
    })
  }
})
