import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import type { Shape } from '@tender/sdk/protocol'
import { DriverRig } from './driver-rig.js'

const framework = { frameworkId: 'web', name: 'web', roles: ['a', 'b'] }
const small = { cpus: 0.5, mem: 128, ports: 1 }
const large = { cpus: 4 }

/** What is wanted in role `a`. */
const wanted = (...shapes: Shape[]) => ({ demands: [{ role: 'a', shapes }] })
const task = (taskId: string, resources: object) => ({ taskId, resources, shell: 'true' })
const launch = (...tasks: object[]) => ({
  offerIds: ['o1'],
  operations: [{ kind: 'launch', tasks }],
})
const launched = (...oks: boolean[]) => ({
  ok: true,
  result: { tasks: oks.map((ok, index) => ({ taskId: `t${index + 1}`, ok })) },
})
const refused = { ok: false, code: 'invalid-role', message: 'no such role' } as const

describe('what a driver has declared', () => {
  let rig: DriverRig

  beforeEach(() => {
    rig = DriverRig.subscribed()
    rig.hearOffers('o1', 'o2')
  })

  describe('of its demand', () => {
    it('is told with the first subscription', () => {
      const first = new DriverRig(wanted({ count: 1, resources: large }))
      first.step({ kind: 'start' })
      expect(first.sent[0]?.body).to.deep.include(wanted({ count: 1, resources: large }))
    })

    it('is told again with each subscription, as it was last taken', () => {
      rig.call('c1', 'demand', wanted({ count: 3, resources: small }))
      rig.answer('c1')
      rig.call('c2', 'demand', { demands: [{ role: 'b', shapes: [] }] })
      rig.answer('c2')
      expect(rig.resubscription()).to.deep.include({
        demands: [
          { role: 'a', shapes: [{ count: 3, resources: small }] },
          { role: 'b', shapes: [] },
        ],
      })
    })

    it('is told no more when it was withdrawn, or refused', () => {
      rig.call('c1', 'demand', wanted({ count: 3, resources: small }))
      rig.answer('c1')
      rig.call('c2', 'demand', { demands: [{ role: 'a' }] })
      rig.answer('c2')
      rig.call('c3', 'demand', wanted({ count: -1, resources: small }))
      rig.answer('c3', { ok: false, code: 'invalid-demand', message: 'count' })
      expect(rig.resubscription()).not.to.have.property('demands')
    })

    it('is less by what was launched since: of the first shape that takes as much', () => {
      rig.call('c1', 'demand', wanted({ count: 2, resources: large }, { count: 3, resources: small }))
      rig.answer('c1')
      // Two ports of the agent's choice are as much as two certain ones, and a reserved cpu as much as another.
      const placed = { 'cpus(a)': 0.5, mem: 128, ports: [[31_000, 31_000]] }
      const tasks = [task('t1', placed), task('t2', small), task('t3', small), task('t4', { cpus: 1 })]
      rig.call('c2', 'accept', launch(...tasks))
      rig.answer('c2', launched(true, false, true, true))
      expect(rig.resubscription()).to.deep.include(
        wanted({ count: 2, resources: large }, { count: 1, resources: small }),
      )
    })

    it('never falls below nothing, and passes by a shape that has been met', () => {
      rig.call('c1', 'demand', wanted({ count: 0, resources: large }, { count: 1, resources: large }))
      rig.answer('c1')
      rig.call('c2', 'accept', launch(task('t1', large), task('t2', large)))
      rig.answer('c2', launched(true, true))
      expect(rig.resubscription()).to.deep.include(
        wanted({ count: 0, resources: large }, { count: 0, resources: large }),
      )
    })

    it('may come with an accept or a decline: it is what is wanted when that is done', () => {
      rig.call('c1', 'accept', { ...launch(task('t1', large)), ...wanted({ count: 2, resources: large }) })
      rig.answer('c1', launched(true))
      expect(rig.resubscription()).to.deep.include(wanted({ count: 2, resources: large }))
      rig.takeSubscription(2)
      rig.call('c2', 'decline', { offerIds: ['o2'], demands: [{ role: 'a', shapes: [] }] })
      rig.answer('c2')
      rig.step({ kind: 'reconnected' })
      expect(rig.sent[0]?.body).to.deep.include(wanted())
    })

    it('is not sent again when a newer one was taken meanwhile: it would replace that', () => {
      rig.call('c1', 'demand', wanted({ count: 1, resources: small }))
      rig.call('c2', 'accept', { ...launch(), ...wanted({ count: 2, resources: small }) })
      rig.call('c3', 'demand', wanted({ count: 3, resources: small }))
      expect(rig.answer('c3')).to.deep.equal(['settle c1 ok', 'settle c3 ok'])
      rig.step({ kind: 'reconnected' })
      expect(rig.takeSubscription(2)).to.include('send accept c2')
      const resent = rig.sent.find(({ call }) => call === 'c2')
      expect(resent?.body).to.deep.include({ demands: [] })
    })
  })

  describe('of itself', () => {
    it('is told with the first subscription', () => {
      const offerConstraints = { a: [[{ attribute: 'rack', equals: 'r1' }]] }
      const first = new DriverRig({ offerConstraints })
      first.step({ kind: 'start' })
      expect(first.sent[0]?.body).to.deep.include({ offerConstraints })
    })

    it('is sent whole; what is not named stays as it is', () => {
      rig.call('c1', 'suppress', { roles: ['b'] })
      const offerConstraints = { a: [[{ hostname: true, equals: 'h1' }]] }
      rig.call('c2', 'update', { offerConstraints })
      expect(rig.sent[0]?.body).to.deep.equal({ framework, suppressedRoles: ['b'], offerConstraints })
      const renamed = { name: 'other', roles: ['a', 'b'] }
      rig.call('c3', 'update', { framework: renamed, suppressedRoles: [] })
      expect(rig.sent[0]?.body).to.deep.equal({
        framework: { ...renamed, frameworkId: 'web' },
        suppressedRoles: [],
        offerConstraints,
      })
      expect(rig.driver.framework.name).to.equal('web')
      rig.answer('c3')
      expect(rig.driver.framework.name).to.equal('other')
      expect(rig.resubscription()).to.deep.include({ suppressedRoles: [], offerConstraints })
    })

    it('of a role that is given up is over', () => {
      rig.call('c1', 'suppress')
      rig.call('c2', 'demand', wanted({ count: 1, resources: small }))
      rig.answer('c2')
      rig.call('c3', 'update', { framework: { name: 'web', roles: ['b'] } })
      rig.answer('c3')
      const body = rig.resubscription()
      expect(body).to.deep.include({ framework: { ...framework, roles: ['b'] }, suppressedRoles: ['b'] })
      expect(body).not.to.have.property('demands')
    })

    it('is as before when the leader has refused it', () => {
      rig.call('c1', 'update', {
        framework: { name: 'web', roles: ['-'] },
        suppressedRoles: ['-'],
        offerConstraints: {},
      })
      rig.answer('c1', refused)
      const body = rig.resubscription()
      expect(body).to.deep.include({ framework, suppressedRoles: [] })
      expect(body).not.to.have.property('offerConstraints')
    })
  })
})
