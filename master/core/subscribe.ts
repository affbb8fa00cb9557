import {
  type FrameworkId,
  type frameworkToLeader,
  type MessageOf,
  ProtocolError,
  type Reply,
} from '@tender/sdk/protocol'
import { recordVersion } from '../registry/records.js'
import { checkDemands } from './demand.js'
import { endOffersOfFramework } from './disconnect-framework.js'
import { checkFramework, factsOf } from './framework-facts.js'
import { forgetInverseOffersOf } from './inverse-offers.js'
import type { Framework } from './state.js'
import { done, refused, type Turn } from './turn.js'
import { viewFramework } from './views.js'

type Subscribe = Extract<MessageOf<typeof frameworkToLeader>, { kind: 'subscribe' }>

/**
 * A framework comes, comes back, or is replaced by a newer instance of itself. It is admitted once the registry knows
 * it.
 */
export function subscribe(turn: Turn, frameworkId: FrameworkId, message: Subscribe): void {
  const { session, call, body } = message
  const options = { to: session, ...(call === undefined ? {} : { call }) }
  try {
    checkFramework(frameworkId, body.framework, body.offerConstraints)
    checkDemands(body.framework.roles, body.demands)
    checkInstance(message, turn.state.frameworks.get(frameworkId))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    turn.log('warn', 'a framework was refused', { frameworkId, error: error.message })
    return turn.refuse({ kind: 'framework', id: frameworkId }, error, options)
  }
  turn.change([`framework ${frameworkId}`], (start, store) => {
    const known = start.state.frameworks.get(frameworkId)
    const isRepeated =
      known?.state === 'connected' && known.session === session && known.subscribeCall === call
    if (known && isRepeated) {
      // Its number is taken, or the next message would look as if one had been lost before it.
      known.link?.arrive(message)
      return start.toFramework(known, 'reply', answerOf(start, frameworkId), call)
    }
    if (JSON.stringify(known?.info) === JSON.stringify(body.framework))
      return admit(start, frameworkId, message)
    const subscribedAtMs = known?.subscribedAtMs ?? start.now
    const value = { v: recordVersion, framework: body.framework, subscribedAtMs }
    store([{ kind: 'framework', id: frameworkId, value }], (later, error) => {
      if (error === undefined) return admit(later, frameworkId, message)
      later.log('error', 'the registry could not store a framework', { frameworkId, error })
      const reply = refused('registry-unavailable', `the registry could not store the framework: ${error}`)
      later.toStranger({ kind: 'framework', id: frameworkId }, 'reply', reply, options)
    })
  })
}

/** @throws ProtocolError `replaced` */
function checkInstance({ session, body }: Subscribe, known: Framework | undefined): void {
  const isOlder =
    known?.state === 'connected' && known.session !== session && body.startedAtMs < known.startedAtMs
  if (isOlder)
    throw new ProtocolError('replaced', `a newer instance of framework ${known.frameworkId} is subscribed`)
}

function answerOf(turn: Turn, frameworkId: FrameworkId) {
  return done({ frameworkId, heartbeatMs: turn.state.settings.frameworkHeartbeatMs })
}

function admit(turn: Turn, frameworkId: FrameworkId, message: Subscribe): void {
  const { state } = turn
  const { framework: info, suppressedRoles = [], offerConstraints = {}, startedAtMs } = message.body
  const known = state.frameworks.get(frameworkId)
  if (known?.state === 'connected' && known.session !== message.session) {
    turn.log('info', 'a newer instance replaces a framework', { frameworkId })
    turn.toFramework(known, 'failed', {
      code: 'replaced',
      message: 'a newer instance has subscribed under this id',
    })
  }
  endOffersOfFramework(turn, frameworkId, 'the framework subscribed again')
  forgetInverseOffersOf(turn, frameworkId)
  // A new instance does not know what the one before had refused.
  if (known?.session !== message.session) state.allocator.deactivateFramework(frameworkId)
  const framework: Framework = {
    frameworkId,
    info,
    state: 'connected',
    session: message.session,
    startedAtMs,
    link: turn.newLink(),
    subscribedAtMs: known?.subscribedAtMs ?? turn.now,
    heardAtMs: turn.now,
    disconnectedAtMs: undefined,
    suppressedRoles: new Set(suppressedRoles),
    offerConstraints,
    replies: known?.replies ?? new Map<string, Reply>(),
    openCalls: known?.openCalls ?? new Set(),
    subscribeCall: message.call,
  }
  framework.link?.arrive(message)
  state.frameworks.set(frameworkId, framework)
  turn.toFramework(framework, 'reply', answerOf(turn, frameworkId), message.call)
  state.allocator.setFramework(factsOf(framework))
  // All that is wanted: a role that is not named has no demand, whatever was said before.
  const shapes = new Map(message.body.demands?.map(demand => [demand.role, demand.shapes]))
  for (const role of new Set([...info.roles, ...(known?.info.roles ?? [])]))
    state.allocator.setDemand(frameworkId, role, shapes.get(role))
  turn.log('info', 'framework subscribed', { frameworkId, roles: info.roles.join(',') })
  turn.event({ kind: 'framework', framework: viewFramework(state, framework) })
}
