import type { Shape } from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import { type Key, keyOf } from '../world/facts.js'
import type { World } from '../world/world.js'

/**
 * What has not come right, in sentences: demand that is not met, stale tasks, leaked resources, unanswered updates and
 * calls, differing views.
 */
export function unrest(world: World): string[] {
  const leaders = world.leaders()
  const [leader] = leaders
  const term = leader?.term
  if (!leader || !term) return ['nobody leads']
  if (leaders.length > 1) return [`${leaders.map(({ name }) => name).join(' and ')} lead`]
  const { state } = term.core
  const problems: string[] = []
  for (const { name, hasGivenUp } of world.agents) {
    const known = state.agents.get(name)
    if (!hasGivenUp && known?.state !== 'registered')
      problems.push(`agent ${name} is ${known?.state ?? 'unknown'} to the leader`)
    if (hasGivenUp && known) problems.push(`agent ${name} has given up, and is known to the leader`)
    if (known && known.calls.size > 0)
      problems.push(
        `${[...known.calls.values()].map(({ kind, taskKey }) => `${kind} ${taskKey}`).join(', ')} open at agent ${name}`,
      )
  }
  for (const { frameworkId } of [...world.services, ...world.batches]) {
    const known = state.frameworks.get(frameworkId)
    if (known?.state !== 'connected')
      problems.push(`framework ${frameworkId} is ${known?.state ?? 'unknown'}`)
    if (known && known.openCalls.size > 0) problems.push(`calls of ${frameworkId} are open at the leader`)
  }
  return [
    ...problems,
    ...apps(world),
    ...batches(world),
    ...declarations(world),
    ...tasks(world),
    ...stale(world),
    ...books(world),
  ]
}

function apps(world: World): string[] {
  const [service] = world.services
  if (!service) return []
  const { core } = service
  if (!core) return ['the service framework is not up']
  const running = runningKeys(world)
  return world.plan.apps.flatMap(({ id, changes }) => {
    const wanted = changes.at(-1)?.instances ?? 0
    const app = core.app(id)
    if (!app) return [`app ${id} is not known`]
    const instances = [...app.instances.values()]
    const up = instances.filter(
      ({ taskId, state, goal }) =>
        goal === 'run' &&
        state === 'RUNNING' &&
        running.has(keyOf({ frameworkId: service.frameworkId, taskId })),
    )
    if (up.length === wanted && instances.length === wanted) return []
    const list = instances.map(
      ({ taskId, state, goal, agentId }) => `${taskId} ${goal} ${state} on ${agentId}`,
    )
    return [`app ${id} runs ${up.length} of ${wanted}: ${list.join(', ')}`]
  })
}

function batches(world: World): string[] {
  return world.batches.flatMap(({ frameworkId, undone, openCalls }) => [
    ...undone.map(job => `${frameworkId}: ${job}`),
    ...(openCalls > 0 ? [`${frameworkId} has ${openCalls} open calls`] : []),
  ])
}

/** The leader has in mind what the framework has said, and no other. */
function declarations(world: World): string[] {
  const state = world.leaders()[0]?.term?.core.state
  if (!state) return []
  return world.batches.flatMap(({ frameworkId, role, demands, isSuppressed }) => {
    const [declared] = demands
    const wanted = textOf(declared?.shapes)
    const known = textOf(state.allocator.demand(frameworkId, role))
    const isKnown = state.allocator.isSuppressed(frameworkId, role)
    return [
      ...(known === wanted ? [] : [`${frameworkId} wants ${wanted}, to the leader it is ${known}`]),
      ...(isKnown === isSuppressed ? [] : [`${frameworkId} is ${isKnown ? '' : 'not '}suppressed`]),
    ]
  })
}

function textOf(shapes: readonly Shape[] | undefined): string {
  if (!shapes) return 'whatever there is'
  const open = shapes.filter(({ count }) => count > 0)
  return (
    open.map(({ count, resources }) => `${count} of ${JSON.stringify(resources)}`).join(', ') || 'nothing'
  )
}

/** What runs is what the leader says runs, and what the agents' checkpoints say. */
function tasks(world: World): string[] {
  const problems: string[] = []
  const running = runningKeys(world)
  const state = world.leaders()[0]?.term?.core.state
  for (const key of running) {
    const task = state?.tasks.get(key)
    if (task?.state !== 'RUNNING')
      problems.push(`${key} runs, to the leader it is ${task?.state ?? 'unknown'}`)
  }
  for (const task of state?.tasks.values() ?? [])
    if (!running.has(task.key)) problems.push(`${task.key} is ${task.state} to the leader, and does not run`)
  for (const agent of world.agents) {
    if (agent.hasGivenUp) continue
    for (const [key, task] of agent.checkpoint) {
      if (!running.has(key))
        problems.push(`agent ${agent.name} keeps ${key} (${task.state}), which does not run`)
      if (task.updates.length > 0)
        problems.push(`agent ${agent.name} has updates of ${key} that are not acknowledged`)
    }
    for (const { key } of agent.host.running())
      if (!agent.checkpoint.has(key)) problems.push(`${key} runs on ${agent.name}, which does not know it`)
  }
  return problems
}

/** Nothing runs that its framework does not want. */
function stale(world: World): string[] {
  const wanted = new Set([
    ...world.batches.flatMap(({ wantedKeys }) => wantedKeys),
    ...world.services.flatMap(({ core, frameworkId }) =>
      world.plan.apps.flatMap(({ id }) =>
        [...(core?.app(id)?.instances.values() ?? [])].map(({ taskId }) => keyOf({ frameworkId, taskId })),
      ),
    ),
  ])
  return [...runningKeys(world)]
    .filter(key => !wanted.has(key))
    .map(key => `${key} runs, and nobody wants it`)
}

/** Allocated is what tasks hold, and the rest is free or offered. */
function books(world: World): string[] {
  const core = world.leaders()[0]?.term?.core
  if (!core) return []
  const { allocator, tasks: known, agents, launchingTasks, offers } = core.state
  const problems: string[] = []
  for (const agentId of agents.keys()) {
    const held = Resources.sum(
      [...known.values()].filter(task => task.agentId === agentId).map(each => each.resources),
    )
    const { offered, allocated } = allocator.held({ agentId })
    if (!allocated.equals(held))
      problems.push(`agent ${agentId}: ${String(allocated)} allocated, its tasks hold ${String(held)}`)
    const shown = Resources.sum(
      [...offers.values()].filter(each => each.offer.agentId === agentId).map(each => each.resources),
    )
    if (!offered.equals(shown))
      problems.push(`agent ${agentId}: ${String(offered)} offered, the offers hold ${String(shown)}`)
    const agent = agents.get(agentId)
    const there = world.agents.find(({ name }) => name === agentId)
    if (there && agent && !Resources.fromWire(there.info.resources).equals(agent.total))
      problems.push(`agent ${agentId} keeps other resources than its leader: ${String(agent.total)}`)
    const sum = allocated.plus(offered).plus(allocator.free(agentId))
    if (!sum.equals(allocator.total(agentId)))
      problems.push(`agent ${agentId}: the books say ${String(sum)} in all`)
  }
  if (launchingTasks.size > 0) problems.push('tasks are still to be launched')
  return problems
}

function runningKeys(world: World): Set<Key> {
  const there = world.agents.filter(({ hasGivenUp }) => !hasGivenUp)
  return new Set(there.flatMap(({ host }) => host.running().map(({ key }) => key)))
}
