import { expect } from 'chai'
import { describe, it } from 'mocha'
import { EventHub } from '../../../master/http/events.js'
import { eventOf } from '../../support/master-views.js'

const removed = (agentId: string) => eventOf({ kind: 'agent-removed', agentId })

function hubWith(agentIds: readonly string[], capacity = 10): EventHub {
  const hub = new EventHub({ capacity })
  hub.begin('m1-7')
  for (const agentId of agentIds) hub.publish(removed(agentId))
  return hub
}

function idsAfter(hub: EventHub, eventId: string): readonly string[] | string {
  const reading = hub.read(hub.cursorAt(eventId), 100)
  return reading.kind === 'gap' ? reading.reason : reading.events.map(event => event.id)
}

describe('the hub of events', () => {
  it('gives ids that name the leadership, and goes on after one', () => {
    expect(idsAfter(hubWith(['a', 'b', 'c']), 'm1-7.1')).to.deep.equal(['m1-7.2', 'm1-7.3'])
  })

  it('gives the event as JSON', () => {
    const reading = hubWith(['a']).read({ stream: 'm1-7', number: 0 }, 1)
    expect(reading).to.deep.equal({
      kind: 'events',
      events: [{ id: 'm1-7.1', json: JSON.stringify(removed('a')) }],
      cursor: { stream: 'm1-7', number: 1 },
    })
  })

  it('says so when an id is of another leadership, too old, not there yet, or none at all', () => {
    const hub = hubWith(['a', 'b', 'c', 'd'], 2)
    expect(['m1-6.3', 'm1-7.1', 'm1-7.5', 'nonsense'].map(id => idsAfter(hub, id))).to.deep.equal([
      'these events are of another leadership',
      'event 1 is not among the last 2 of 4',
      'event 5 is not among the last 2 of 4',
      'these events are of another leadership',
    ])
  })

  it('begins anew with a new leadership', () => {
    const hub = hubWith(['a', 'b'])
    hub.begin('m1-8')
    expect(hub.lastEventId).to.equal('m1-8.0')
    expect(idsAfter(hub, 'm1-7.2')).to.equal('these events are of another leadership')
  })

  it('tells listeners until they stop', () => {
    const hub = hubWith([])
    const heard: unknown[] = []
    const stop = hub.onEvent(event => heard.push(event.agentId))
    hub.publish(removed('a'))
    stop()
    hub.publish(removed('b'))
    expect(heard).to.deep.equal(['a'])
  })
})
