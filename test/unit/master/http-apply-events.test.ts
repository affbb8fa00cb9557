import { expect } from 'chai'
import { describe, it } from 'mocha'
import { applyEvents } from '../../../master/http/apply-events.js'
import {
  agentOf,
  ended,
  eventOf,
  frameworkOf,
  inverseOfferOf,
  leaderOf,
  nowMs,
  offerOf,
  roleOf,
  stateOf,
  taskOf,
} from '../../support/master-views.js'

const agent = agentOf('agent-1', { resources: { cpus: 4, mem: 1024, ports: [[1, 9]] } })
const service = frameworkOf('service')
const cluster = stateOf({ agents: [agent], frameworks: [service], roles: [roleOf('service')] })
const offer = offerOf('7-1', { resources: { cpus: 1, mem: 512 } })
const task = taskOf('web.1', { resources: { cpus: 0.5, ports: [[3, 3]] } })

const made = eventOf({ kind: 'offer-made', offer })
const accepted = ended(offer, 'accepted')
const offerEnded = eventOf({ kind: 'offer-ended', offer: accepted })
const running = eventOf({ kind: 'task', task })

describe('a state after events', () => {
  it('counts a new offer at its agent and its framework', () => {
    expect(applyEvents(cluster, [made])).to.deep.equal({
      ...cluster,
      agents: [{ ...agent, offered: { cpus: 1, mem: 512 }, free: { cpus: 3, mem: 512, ports: [[1, 9]] } }],
      frameworks: [{ ...service, offered: { cpus: 1, mem: 512 }, offerCount: 1 }],
      offers: [offer],
    })
  })

  it('moves an ended offer to the recent ones, and counts its task', () => {
    expect(applyEvents(cluster, [made, offerEnded, running])).to.deep.equal({
      ...cluster,
      agents: [
        {
          ...agent,
          allocated: { cpus: 0.5, ports: [[3, 3]] },
          free: {
            cpus: 3.5,
            mem: 1024,
            ports: [
              [1, 2],
              [4, 9],
            ],
          },
          taskCount: 1,
        },
      ],
      frameworks: [{ ...service, allocated: { cpus: 0.5, ports: [[3, 3]] }, taskCount: 1 }],
      recentOffers: [accepted],
      tasks: [task],
    })
  })

  it('is the same when events come again', () => {
    const events = [made, offerEnded, running]
    const once = applyEvents(cluster, events)
    expect(applyEvents(once, events)).to.deep.equal(once)
  })

  it('is the same whether events come at once or one by one', () => {
    const oneByOne = [made, offerEnded, running].reduce(
      (state, event) => applyEvents(state, [event]),
      cluster,
    )
    expect(oneByOne).to.deep.equal(applyEvents(cluster, [made, offerEnded, running]))
  })

  it('frees what a task held when it ends', () => {
    const failed = { ...task, state: 'FAILED' as const }
    const after = applyEvents(cluster, [running, eventOf({ kind: 'task', task: failed })])
    expect(after).to.deep.equal({
      ...cluster,
      agents: [{ ...agent, free: agent.resources }],
      tasks: [failed],
    })
  })

  it('puts the newest first', () => {
    const offers = ['7-1', '7-2'].map(id => ended(offerOf(id), 'declined'))
    const tasks = ['a', 'b'].map(id => taskOf(id, { agentId: 'other' }))
    const after = applyEvents(cluster, [
      ...offers.map(each => eventOf({ kind: 'offer-ended', offer: each })),
      ...tasks.map(each => eventOf({ kind: 'task', task: each })),
    ])
    expect(after.recentOffers.map(each => each.offerId)).to.deep.equal(['7-2', '7-1'])
    expect(after.tasks.map(each => each.taskId)).to.deep.equal(['b', 'a'])
  })

  it('keeps the last 100 ended offers', () => {
    const events = Array.from({ length: 150 }, (_, index) =>
      eventOf({ kind: 'offer-ended', offer: ended(offerOf(`7-${index}`), 'declined') }),
    )
    const ids = applyEvents(cluster, events).recentOffers.map(each => each.offerId)
    expect([ids.length, ids[0], ids.at(-1)]).to.deep.equal([100, '7-149', '7-50'])
  })

  it('keeps two tasks of one id apart by framework', () => {
    const other = taskOf('web.1', { frameworkId: 'batch' })
    const after = applyEvents(cluster, [running, eventOf({ kind: 'task', task: other })])
    expect(after.tasks).to.deep.equal([other, task])
  })

  it('counts a volume once that several tasks share', () => {
    const resources = { 'disk(web)[data:/data]{shared}': 5 }
    const sharing = agentOf('agent-1', { resources: { cpus: 4, ...resources } })
    const tasks = ['a', 'b'].map(id => taskOf(id, { resources: { cpus: 1, ...resources } }))
    const events = tasks.map(each => eventOf({ kind: 'task', task: each }))
    const after = applyEvents(stateOf({ agents: [sharing] }), events)
    expect(after.agents[0]?.allocated).to.deep.equal({ cpus: 2, ...resources })
  })

  it('keeps who is asked to leave an agent, and the whitelist', () => {
    const [asked, gone] = [inverseOfferOf('7-i1'), inverseOfferOf('7-i2')]
    const accepted = { ...asked, answer: 'accepted' as const }
    const whitelisted = { ...cluster, whitelist: ['h1'] }
    const changes = [asked, gone, accepted, { ...gone, endedAtMs: nowMs }]
    const events = changes.map(inverseOffer => eventOf({ kind: 'inverse-offer', inverseOffer }))
    const { inverseOffers, whitelist } = applyEvents(whitelisted, events)
    expect({ inverseOffers, whitelist }).to.deep.equal({ inverseOffers: [accepted], whitelist: ['h1'] })
  })

  it('adds, changes and removes agents, frameworks and the leader', () => {
    const silent = { ...agent, state: 'unreachable' as const }
    const batch = frameworkOf('batch')
    const leader = leaderOf({ epoch: 8 })
    const after = applyEvents(cluster, [
      eventOf({ kind: 'agent', agent: silent }),
      eventOf({ kind: 'agent', agent: agentOf('agent-2') }),
      eventOf({ kind: 'agent-removed', agentId: 'agent-2' }),
      eventOf({ kind: 'framework', framework: batch }),
      eventOf({ kind: 'framework-removed', frameworkId: 'service' }),
      eventOf({ kind: 'leader', leader }),
    ])
    expect(after).to.deep.equal({
      ...cluster,
      leader,
      agents: [{ ...silent, free: agent.resources }],
      frameworks: [batch],
    })
  })
})
