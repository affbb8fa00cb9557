import { isTerminal, Resources, type TaskState } from '@tender/sdk/values'
import { eventually } from '../dev-cluster.js'
import type { ChaosCluster } from './chaos-cluster.js'
import { nameOf, type TaskContainer } from './container-ledger.js'

/** Longer than any part may take to find out that another one is back. */
const patienceMs = 30_000

/**
 * Fails unless the cluster comes to rest with every promise kept. It is seen from outside: the engine says what runs and
 * what has ended, and the cluster's parts have to agree with that.
 *
 * @param before what ran before the fault: it runs still, the same container, unless the test has ended it
 */
export async function promisesHold(
  cluster: ChaosCluster,
  before: readonly TaskContainer[] = [],
  timeoutMs = patienceMs,
): Promise<void> {
  let broken: readonly string[] = []
  const outcome = await eventually(
    timeoutMs,
    async () => {
      broken = neverToBeSeen(cluster)
      // What has gone wrong for ever is not waited for.
      if (broken.length > 0) return 'broken'
      broken = await brokenNow(cluster, before).catch((error: unknown) => [
        `it cannot be asked: ${String(error)}`,
      ])
      return broken.length === 0 ? 'kept' : 'not yet'
    },
    answer => answer !== 'not yet',
  ).catch(() => 'broken')
  if (outcome !== 'kept') throw new Error(report(cluster, broken))
}

function report(cluster: ChaosCluster, broken: readonly string[]): string {
  const told = cluster.witness.updates.slice(-30).map(({ taskId, state, sequence = '-', exitCode = '' }) => {
    return `${taskId} ${sequence} ${state} ${exitCode}`.trim()
  })
  return [
    'promises are broken:',
    ...broken.map(each => `  - ${each}`),
    `the witness heard last: ${told.join(', ')}`,
    ...cluster.lastLines(30),
  ].join('\n')
}

/** What no time can mend. */
function neverToBeSeen(cluster: ChaosCluster): readonly string[] {
  const { ledger } = cluster
  return [
    ...(ledger.broken === undefined ? [] : [`the engine cannot be followed: ${ledger.broken}`]),
    ...ledger.startedAgain.map(name => `${name} was started more than once`),
    ...endedByNobody(cluster),
    ...startedAndRefused(cluster),
    ...outOfOrder(cluster),
    ...invented(cluster),
  ]
}

/** What has to come right by itself. */
async function brokenNow(
  cluster: ChaosCluster,
  before: readonly TaskContainer[],
): Promise<readonly string[]> {
  const running = await cluster.ledger.running()
  const leftOver = await cluster.ledger.leftOver()
  return [
    ...leftOver.map(task => `the container of ${nameOf(task)} is ${task.state}, and still there`),
    ...untouched(cluster, before, running),
    ...unknownContainers(cluster, running),
    ...(await brokenApps(cluster, running)),
    ...witnessed(cluster, running),
    ...unreported(cluster),
    ...(await masterDisagrees(cluster, running)),
    ...(await checkpointsDisagree(cluster, running)),
  ]
}

function endedByNobody(cluster: ChaosCluster): readonly string[] {
  return cluster.ledger.events
    .filter(event => event.kind === 'die' && !cluster.isToEnd(event))
    .map(event => `nobody has ended ${nameOf(event)}, and its container ended with ${event.exitCode}`)
}

function startedAndRefused({ ledger, witness }: ChaosCluster): readonly string[] {
  return [...witness.launched].flatMap(([taskId, { answer }]) => {
    const wasStarted = ledger.find('start', { frameworkId: witness.frameworkId, taskId }) !== undefined
    return answer === 'refused' && wasStarted ? [`${taskId} was refused, and has started`] : []
  })
}

/** No fault of Tender's processes ends or restarts a container. */
function untouched(
  cluster: ChaosCluster,
  before: readonly TaskContainer[],
  running: readonly TaskContainer[],
): readonly string[] {
  const ids = new Set(running.map(({ containerId }) => containerId))
  return before
    .filter(task => !ids.has(task.containerId) && !cluster.isToEnd(task))
    .map(task => `${nameOf(task)} ran before, and its container is gone`)
}

function unknownContainers({ witness }: ChaosCluster, running: readonly TaskContainer[]): readonly string[] {
  return running
    .filter(task =>
      task.frameworkId === witness.frameworkId
        ? witness.launched.get(task.taskId)?.agentId !== task.agentId
        : task.frameworkId !== 'service',
    )
    .map(task => `nobody asked for ${nameOf(task)} on ${task.agentId}`)
}

/** Each app has its instances, and the engine runs these and no others. */
async function brokenApps(
  cluster: ChaosCluster,
  running: readonly TaskContainer[],
): Promise<readonly string[]> {
  const broken: string[] = []
  const known: string[] = []
  for (const [appId, instances] of cluster.apps) {
    const tasks = await cluster.serviceTasks(appId)
    known.push(...tasks.map(({ id }) => id))
    const states = tasks.map(({ state }) => state)
    if (states.length !== instances || states.some(state => state !== 'TASK_RUNNING'))
      broken.push(`app ${appId} is to have ${instances} instances, and has ${states.join(', ') || 'none'}`)
  }
  const actual = running.filter(({ frameworkId }) => frameworkId === 'service').map(({ taskId }) => taskId)
  return [...broken, ...differences('the service framework', known, 'the engine', actual)]
}

/** What runs was last told to the witness as RUNNING; what it was told to run, runs. */
function witnessed({ witness }: ChaosCluster, running: readonly TaskContainer[]): readonly string[] {
  const actual = running
    .filter(({ frameworkId }) => frameworkId === witness.frameworkId)
    .map(({ taskId }) => taskId)
  const told = [...witness.launched.keys()].filter(taskId => witness.statesOf(taskId).at(-1) === 'RUNNING')
  const unheard = [...witness.launched]
    .filter(([taskId, { answer }]) => answer === 'accepted' && !isSettled(witness.statesOf(taskId).at(-1)))
    .map(([taskId]) => taskId)
  const stillKilled = actual.filter(taskId => witness.killed.has(taskId))
  return [
    ...differences('the witness', told, 'the engine', actual),
    ...unheard.map(taskId => `${taskId} was accepted, and neither runs nor has ended`),
    ...stillKilled.map(taskId => `${taskId} was to be killed, and runs`),
  ]
}

function isSettled(told: string | undefined): boolean {
  const [state = ''] = told?.split(' ') ?? []
  return state === 'RUNNING' || isTerminal(state as TaskState)
}

/** Every end that the engine saw was told to the witness, with its exit code, and as what it was. */
function unreported({ ledger, witness }: ChaosCluster): readonly string[] {
  const ends = ledger.events.filter(
    ({ kind, frameworkId }) => kind === 'die' && frameworkId === witness.frameworkId,
  )
  return ends.flatMap(({ taskId, exitCode }) => {
    const told = witness.endOf(taskId)
    const state = witness.killed.has(taskId) ? told?.state : exitCode === 0 ? 'FINISHED' : 'FAILED'
    return told?.exitCode === exitCode && told?.state === state
      ? []
      : [`${taskId} ended with ${exitCode}, and the witness heard ${witness.statesOf(taskId).join(', ')}`]
  })
}

/** Updates of a task come in order, without a gap, and each once. */
function outOfOrder({ witness }: ChaosCluster): readonly string[] {
  return [...witness.launched.keys()].flatMap(taskId => {
    const sequences = witness.updates
      .filter(status => status.taskId === taskId)
      .flatMap(({ sequence }) => sequence ?? [])
    const isInOrder = sequences.every((sequence, index) => sequence === index + 1)
    return isInOrder ? [] : [`the updates of ${taskId} came as ${sequences.join(', ')}`]
  })
}

/** No end is told of a task whose container runs, nor success of one that failed. */
function invented({ ledger, witness }: ChaosCluster): readonly string[] {
  return witness.updates.flatMap(({ taskId, state, exitCode, reason }) => {
    if (!isTerminal(state)) return []
    const task = { frameworkId: witness.frameworkId, taskId }
    const wasStarted = ledger.find('start', task) !== undefined
    // It is told after it happened; the engine's own word of it may be a moment later here.
    const end = ledger.find('die', task)
    const isTrue = !wasStarted || end === undefined || end.exitCode === exitCode
    return isTrue
      ? []
      : [`${taskId} ended with ${end.exitCode}, and ${state} ${exitCode} (${reason}) was told`]
  })
}

/** The leader's books are what the engine runs, and within what each agent has. */
async function masterDisagrees(
  cluster: ChaosCluster,
  running: readonly TaskContainer[],
): Promise<readonly string[]> {
  const { agents, frameworks, tasks } = await cluster.state()
  const live = tasks.filter(({ state }) => !isTerminal(state))
  const strange = live.filter(({ state }) => state !== 'RUNNING')
  const away = agents.filter(({ state }) => state !== 'registered')
  const gone = frameworks.filter(({ state }) => state !== 'connected')
  const at = (task: { agentId: string; frameworkId: string; taskId: string }) =>
    `${nameOf(task)} on ${task.agentId}`
  const books = agents.flatMap(agent => {
    const used = live
      .filter(({ agentId }) => agentId === agent.agentId)
      .reduce((sum, { resources }) => sum.plus(Resources.fromWire(resources)), Resources.none)
    const total = Resources.fromWire(agent.resources)
    const facts = `the tasks of ${agent.agentId} use ${String(used)}`
    const allocated = String(Resources.fromWire(agent.allocated))
    return [
      ...(total.contains(used) ? [] : [`${facts}, and it has ${String(total)}`]),
      ...(String(used) === allocated ? [] : [`${facts}, and ${allocated} is allocated`]),
    ]
  })
  return [
    ...differences('the master', live.map(at), 'the engine', running.map(at)),
    ...strange.map(task => `the master holds ${nameOf(task)} for ${task.state}`),
    ...away.map(({ agentId, state }) => `the master holds ${agentId} for ${state}`),
    ...gone.map(({ frameworkId, state }) => `the master holds ${frameworkId} for ${state}`),
    ...(agents.length === cluster.agentIds.length ? [] : [`the master knows ${agents.length} agents`]),
    ...books,
  ]
}

/** Each agent's disk holds its running tasks and nothing else, and no update that nobody has acknowledged. */
async function checkpointsDisagree(
  cluster: ChaosCluster,
  running: readonly TaskContainer[],
): Promise<readonly string[]> {
  const broken = cluster.agentIds.map(async agentId => {
    const kept = await cluster.checkpoint(agentId)
    const actual = running.filter(task => task.agentId === agentId).map(nameOf)
    const names = kept.map(({ frameworkId, info }) => nameOf({ frameworkId, taskId: info.taskId }))
    const waiting = kept.filter(({ updates }) => updates.length > 0)
    return [
      ...differences(`the checkpoint of ${agentId}`, names, 'the engine', actual),
      ...waiting.map(({ info }) => `${agentId} waits for ${info.taskId} to be acknowledged`),
    ]
  })
  return (await Promise.all(broken)).flat()
}

function differences(
  one: string,
  known: readonly string[],
  other: string,
  actual: readonly string[],
): readonly string[] {
  return [
    ...known.filter(name => !actual.includes(name)).map(name => `${one} has ${name}, ${other} has not`),
    ...actual.filter(name => !known.includes(name)).map(name => `${other} has ${name}, ${one} has not`),
    ...repeated(known).map(name => `${one} has ${name} twice`),
    ...repeated(actual).map(name => `${other} has ${name} twice`),
  ]
}

function repeated(names: readonly string[]): readonly string[] {
  return names.filter((name, index) => names.indexOf(name) !== index)
}
