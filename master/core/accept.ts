import {
  type Accepted,
  defaultRefuseMs,
  type frameworkToLeader,
  type Infer,
  type LaunchResult,
  ProtocolError,
  type Reply,
  type TaskInfo,
} from '@tender/sdk/protocol'
import { isTerminal, Resources } from '@tender/sdk/values'
import { callAgent } from './agent-calls.js'
import { endOffer, ownOffer } from './offers.js'
import { type Agent, type Framework, type OfferRecord, type Task, taskKey } from './state.js'
import { checkTask } from './task-check.js'
import { done, type Turn } from './turn.js'
import { viewTask } from './views.js'

type Accept = Infer<typeof frameworkToLeader.accept>

/**
 * Launches tasks on offers of one agent and role. What no task takes goes back under the filter. If an offer is not
 * there any more nothing is done; the others named go back, as Mesos does it.
 */
export function accept(turn: Turn, framework: Framework, body: Accept): Reply {
  const offers = takeOffers(turn, framework, body)
  const [first] = offers
  const agent = first && turn.state.agents.get(first.offer.agentId)
  if (!first || !agent)
    throw new ProtocolError('invalid-offer', 'an accept names at least one offer, got none')
  const { role } = first.offer
  let rest = Resources.sum(offers.map(({ resources }) => resources))
  const results: LaunchResult[] = []
  const launched: { info: TaskInfo; resources: Resources }[] = []
  for (const info of body.operations.flatMap(operation => operation.tasks ?? [])) {
    try {
      const resources = check(turn, framework, agent, info, rest, launched)
      rest = rest.minus(resources)
      launched.push({ info, resources })
      results.push({ taskId: info.taskId, ok: true })
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      const { code, message } = error
      turn.log('warn', 'a task was refused', {
        taskId: info.taskId,
        frameworkId: framework.frameworkId,
        code,
        message,
      })
      results.push({ taskId: info.taskId, ok: false, code, message })
    }
  }
  settle(turn, framework, offers, launched, rest, refuseUntil(turn, body))
  for (const { info, resources } of launched) launch(turn, framework, agent, role, info, resources)
  return done({ tasks: results } satisfies Accepted)
}

/** @throws ProtocolError when one is not there, is another framework's, or they are not of one agent and role */
function takeOffers(turn: Turn, framework: Framework, body: Accept): OfferRecord[] {
  const offers: OfferRecord[] = []
  let problem: ProtocolError | undefined
  for (const offerId of new Set(body.offerIds)) {
    try {
      offers.push(ownOffer(turn, framework, offerId))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      problem ??= error
    }
  }
  const [first] = offers
  const other = offers.find(
    ({ offer }) => offer.agentId !== first?.offer.agentId || offer.role !== first.offer.role,
  )
  if (first && other) {
    const [a, b] = [first.offer, other.offer]
    problem ??= new ProtocolError(
      'offers-differ',
      `offers of one accept must be of one agent and role, got ${a.offerId} of ${a.agentId}, ${a.role} and ${b.offerId} of ${b.agentId}, ${b.role}`,
    )
  }
  if (!problem) return offers
  for (const record of offers) {
    endOffer(turn, record, 'declined', { refuseUntilMs: refuseUntil(turn, body), reason: problem.message })
  }
  throw problem
}

function refuseUntil(turn: Turn, body: { filter?: { refuseMs?: number } }): number | undefined {
  const refuseMs = body.filter?.refuseMs ?? defaultRefuseMs
  return refuseMs > 0 ? turn.now + refuseMs : undefined
}

/** @returns what the task takes. @throws ProtocolError naming the rule that it breaks */
function check(
  turn: Turn,
  framework: Framework,
  agent: Agent,
  info: TaskInfo,
  rest: Resources,
  launched: readonly { info: TaskInfo }[],
): Resources {
  const { state } = turn
  const key = taskKey(framework.frameworkId, info.taskId)
  const known = state.tasks.get(key) ?? state.endedTasks.get(key)
  if (known) {
    const is = isTerminal(known.state)
      ? `ended as ${known.state}`
      : `is ${known.state} on agent ${known.agentId}`
    throw new ProtocolError('duplicate-task', `a task id is used once; ${info.taskId} ${is}`)
  }
  if (launched.some(other => other.info.taskId === info.taskId)) {
    throw new ProtocolError(
      'duplicate-task',
      `a task id is used once; ${info.taskId} is twice in this accept`,
    )
  }
  return checkTask(info, agent, rest)
}

/**
 * The offers end. In the books each task takes from them in turn, so that what is left is exactly the rest, and comes
 * back as one piece: a filter is on the sum.
 */
function settle(
  turn: Turn,
  framework: Framework,
  offers: readonly OfferRecord[],
  launched: readonly { resources: Resources }[],
  rest: Resources,
  refuseUntilMs: number | undefined,
): void {
  const { allocator } = turn.state
  const [first] = offers
  if (!first) return
  const { agentId, role } = first.offer
  const { frameworkId } = framework
  for (const { resources } of launched) allocator.use({ frameworkId, role, agentId, resources })
  if (!rest.isEmpty) allocator.recover({ frameworkId, role, agentId, resources: rest }, refuseUntilMs)
  for (const record of offers) endOffer(turn, record, 'accepted', { booksAreSettled: true })
}

function launch(
  turn: Turn,
  framework: Framework,
  agent: Agent,
  role: string,
  info: TaskInfo,
  resources: Resources,
): void {
  const { frameworkId } = framework
  const { taskId } = info
  const task: Task = {
    key: taskKey(frameworkId, taskId),
    taskId,
    frameworkId,
    agentId: agent.agentId,
    role,
    name: info.name ?? taskId,
    resources,
    labels: info.labels ?? {},
    launchedAtMs: turn.now,
    state: 'STAGING',
    status: undefined,
    updatedAtMs: turn.now,
  }
  turn.state.tasks.set(task.key, task)
  callAgent(turn, agent, 'launch', task.key, { frameworkId, role, task: info })
  turn.log('info', 'launching task', {
    taskId,
    frameworkId,
    agentId: agent.agentId,
    resources: String(resources),
  })
  turn.event({ kind: 'task', task: viewTask(turn.state, task) })
}
