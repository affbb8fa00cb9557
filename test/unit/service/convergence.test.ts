import { expect } from 'chai'
import * as fc from 'fast-check'
import { describe, it } from 'mocha'
import { World } from './support/world.js'

const ids = ['/a', '/b/c']

/** One thing that may happen; `pick` chooses the task that it happens to. */
const event = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    id: fc.constantFrom(...ids),
    instances: fc.nat(6),
    cmd: fc.constantFrom('v1', 'v2', 'v3'),
  }),
  fc.record({ kind: fc.constant('delete' as const), id: fc.constantFrom(...ids) }),
  fc.record({
    kind: fc.constant('report' as const),
    pick: fc.nat(20),
    state: fc.constantFrom(
      ...(['FAILED', 'FINISHED', 'GONE', 'UNREACHABLE', 'UNKNOWN', 'RUNNING', 'KILLED'] as const),
    ),
  }),
  fc.record({ kind: fc.constant('hold-store' as const) }),
  fc.record({ kind: fc.constant('release-store' as const) }),
  fc.record({ kind: fc.constant('hold-tasks' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('lose-replies' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('disconnect' as const) }),
  fc.record({ kind: fc.constant('subscribe' as const) }),
  fc.record({ kind: fc.constant('restart' as const) }),
  fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(15_000) }),
)

type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

describe('service: whatever happens', () => {
  it('never wants more instances than asked for, and always comes to exactly those', function () {
    this.timeout(60_000)
    const runs = fc.array(event, { maxLength: 60 })
    fc.assert(
      fc.property(runs, events => {
        const world = new World()
        for (const each of events) {
          happen(world, each)
          expectNotTooMany(world)
        }
        calmDown(world)
        expectAsWanted(world)
      }),
      { numRuns: 300, seed: 20_260_101 },
    )
  })
})

function happen(world: World, each: Event): void {
  switch (each.kind) {
    case 'put':
      world.put({ id: each.id, cmd: each.cmd, cpus: 0.5, mem: 64, instances: each.instances })
      return
    case 'delete':
      world.delete(each.id)
      return
    case 'report': {
      const tasks = world.live()
      const task = tasks[each.pick % Math.max(1, tasks.length)]
      if (task && world.isSubscribed) world.report(task.taskId, each.state)
      return
    }
    case 'hold-store':
      world.holdsStore = true
      return
    case 'release-store':
      return world.release()
    case 'hold-tasks':
      world.holdsTasks = each.value
      return
    case 'lose-replies':
      world.losesReplies = each.value
      return
    case 'disconnect':
      return world.disconnect()
    case 'subscribe':
      return world.subscribe()
    case 'restart':
      return world.restart()
    case 'advance':
      return world.advance(each.ms)
  }
}

/** At every instant: a replacement may be one ahead, nothing else. */
function expectNotTooMany(world: World): void {
  for (const state of world.core.apps()) {
    const toRun = [...state.instances.values()].filter(instance => instance.goal === 'run')
    const allowed = state.isReplacing ? state.wanted + 1 : state.wanted
    expect(toRun.length, `${state.record.id} has ${toRun.length} of ${state.wanted}`).to.be.at.most(allowed)
  }
}

function calmDown(world: World): void {
  world.holdsTasks = false
  world.losesReplies = false
  world.release()
  world.subscribe()
  for (const task of world.live()) if (task.state !== 'RUNNING') world.report(task.taskId, 'RUNNING')
  // The longest backoff, the rolling replacement of everything, and kills that are ordered again.
  world.advance(400_000)
}

function expectAsWanted(world: World): void {
  const wanted: string[] = []
  for (const state of world.core.apps()) {
    for (let count = 0; count < state.wanted; count++) wanted.push(`${state.record.id} ${state.app.cmd}`)
    expect(world.waiting(state.record.id), state.record.id).to.equal(undefined)
  }
  const running = world.live().map(({ task }) => `${task.name} ${task.shell}`)
  expect(running.toSorted()).to.deep.equal(wanted.toSorted())
  expect(world.live().every(task => task.state === 'RUNNING')).to.equal(true)
  expect([...world.storedInstances.keys()].toSorted()).to.deep.equal(world.running().toSorted())
}
