import {
  type FrameworkId,
  type frameworkToLeader,
  type MessageOf,
  ProtocolError,
  type Reply,
} from '@tender/sdk/protocol'
import { accept } from './accept.js'
import { answerCall } from './answer-later.js'
import { decline } from './decline.js'
import { demand } from './demand.js'
import { disconnectFramework } from './disconnect-framework.js'
import { answerInverseOffers } from './inverse-offers.js'
import { kill } from './kill.js'
import { reconcile } from './reconcile.js'
import { clearFilters, revive, suppress, unsuppress } from './revive.js'
import type { Framework } from './state.js'
import { subscribe } from './subscribe.js'
import { teardown } from './teardown.js'
import { refusal, type Turn } from './turn.js'
import { update } from './update.js'

export type FrameworkMessage = MessageOf<typeof frameworkToLeader>

/** A message of a framework. All but a subscription must be of the session that is subscribed. */
export function frameworkMessage(turn: Turn, frameworkId: FrameworkId, message: FrameworkMessage): void {
  if (message.kind === 'subscribe') return subscribe(turn, frameworkId, message)
  const framework = turn.state.frameworks.get(frameworkId)
  if (framework?.state !== 'connected' || framework.session !== message.session) {
    const reason = `this leader (epoch ${turn.epoch}) does not know this session of framework ${frameworkId}`
    return turn.toStranger(
      { kind: 'framework', id: frameworkId },
      'resynchronise',
      { reason },
      { to: message.session, v: message.v },
    )
  }
  const arrival = framework.link?.arrive(message)
  framework.heardAtMs = turn.now
  if (arrival === 'repeated') return
  if (message.call === undefined) quiet(turn, framework, message)
  else answer(turn, framework, message, message.call)
  if (arrival === 'gap')
    turn.toFramework(framework, 'resynchronise', { reason: 'a message of the framework was lost' })
}

/** Messages that ask for no answer. */
function quiet(turn: Turn, framework: Framework, message: FrameworkMessage): void {
  switch (message.kind) {
    case 'heartbeat':
      if (framework.link?.hasLost(message.body.received)) {
        turn.toFramework(framework, 'resynchronise', { reason: 'a message to the framework was lost' })
      }
      return
    case 'acknowledge': {
      const { taskId, agentId, sequence } = message.body
      const agent = turn.state.agents.get(agentId)
      if (agent) turn.toAgent(agent, 'acknowledge', { frameworkId: framework.frameworkId, taskId, sequence })
      return
    }
    case 'unsubscribe':
      return disconnectFramework(turn, framework, 'it unsubscribed')
    default:
      // A call without an id is done all the same; there is just nobody to answer.
      call(turn, framework, message)
  }
}

function answer(turn: Turn, framework: Framework, message: FrameworkMessage, callId: string): void {
  const known = framework.replies.get(callId)
  if (known) return turn.toFramework(framework, 'reply', known, callId)
  // Under way: it is answered when the registry has written.
  if (framework.openCalls.has(callId)) return
  framework.openCalls.add(callId)
  const reply = call(turn, framework, message, callId)
  if (reply) answerCall(turn, framework, callId, reply)
}

/** The answer, unless it comes later. */
function call(
  turn: Turn,
  framework: Framework,
  message: FrameworkMessage,
  callId?: string,
): Reply | undefined {
  try {
    switch (message.kind) {
      case 'accept':
        return accept(turn, framework, message.body, callId)
      case 'decline':
        return decline(turn, framework, message.body)
      case 'demand':
        return demand(turn, framework, message.body.demands)
      case 'answer-inverse-offers':
        return answerInverseOffers(turn, framework, message.body)
      case 'update':
        update(turn, framework, message.body, callId)
        return undefined
      case 'suppress':
        return suppress(turn, framework, message.body.roles)
      case 'unsuppress':
        return unsuppress(turn, framework, message.body.roles)
      case 'clear-filters':
        return clearFilters(turn, framework, message.body.roles)
      case 'revive':
        return revive(turn, framework, message.body.roles)
      case 'kill':
        return kill(turn, framework, message.body, callId)
      case 'reconcile':
        return reconcile(turn, framework, message.body.tasks)
      case 'teardown':
        return teardown(turn, framework, callId)
      case 'subscribe':
      case 'heartbeat':
      case 'acknowledge':
      case 'unsubscribe':
        throw new ProtocolError('malformed', `${message.kind} is not a call; it must not ask for an answer`)
    }
  } catch (error) {
    if (error instanceof ProtocolError) return refusal(error)
    throw error
  }
}
