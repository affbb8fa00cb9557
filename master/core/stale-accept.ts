import {
  type Accepted,
  type frameworkToLeader,
  type Infer,
  type LaunchResult,
  type OperationResult,
  ProtocolError,
  type Reply,
} from '@tender/sdk/protocol'
import { type Framework, type MasterState, taskKey } from './state.js'
import { done, type Turn } from './turn.js'

type Accept = Infer<typeof frameworkToLeader.accept>

/** Whether an accept names an offer of an earlier leader. Such offers have ended with that leader. */
export function isStale({ epoch }: Turn, { offerIds }: Accept): boolean {
  return offerIds.some(offerId => Number(offerId.split('-')[0]) < epoch)
}

/**
 * The earlier leader may have done the accept and died before it could say so. Its agent knows: what it runs of the
 * accept was launched, and the rest never will be, since an agent refuses the orders of an earlier leader. So the answer
 * waits until the agent has registered; the framework asks again until then.
 *
 * @throws ProtocolError `stale-offer` when it is not said whose offers they were
 */
export function answerStale(
  turn: Turn,
  framework: Framework,
  { agentId, operations, offerIds }: Accept,
  callId: string | undefined,
): Reply | undefined {
  const { state } = turn
  const message = `offer ${offerIds[0] ?? ''} was made by an earlier leader, and ended with it`
  if (agentId === undefined) throw new ProtocolError('stale-offer', message)
  const agent = state.agents.get(agentId)
  if (agent && agent.state !== 'registered') {
    if (callId !== undefined) framework.openCalls.delete(callId)
    return undefined
  }
  const no = { ok: false, code: 'stale-offer', message } as const
  const tasks = operations
    .flatMap(operation => operation.tasks ?? [])
    .map(({ taskId }): LaunchResult => {
      const ok = runs(state, taskKey(framework.frameworkId, taskId), agentId)
      return ok ? { taskId, ok } : { taskId, ...no }
    })
  const others = operations.flatMap(({ kind }): OperationResult[] =>
    kind === 'launch' ? [] : [{ kind, ...no }],
  )
  return done({ tasks, ...(others.length === 0 ? {} : { operations: others }) } satisfies Accepted)
}

function runs({ tasks, endedTasks }: MasterState, key: string, agentId: string): boolean {
  return (tasks.get(key) ?? endedTasks.get(key))?.agentId === agentId
}
