import {
  type FrameworkId,
  type frameworkToLeader,
  type MessageOf,
  ProtocolError,
  type Reply,
} from '@tender/sdk/protocol'
import type { FrameworkRecord } from '../registry/records.js'
import { checkDemands } from './demand.js'
import { endOffersOfFramework } from './disconnect-framework.js'
import { checkFramework, factsOf } from './framework-facts.js'
import { frameworkRecord, writeFramework } from './framework-record.js'
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
  const { session, call, body, v } = message
  const options = { to: session, v, ...(call === undefined ? {} : { call }) }
  try {
    checkFramework(frameworkId, body.framework, body.offerConstraints)
    checkDemands(body.framework.roles, body.demands)
    checkInstance(turn, frameworkId, message)
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
    const record = frameworkRecord({
      info: body.framework,
      subscribedAtMs: known?.subscribedAtMs ?? firstSubscription(start, frameworkId),
      endedSubscribedAtMs:
        known?.endedSubscribedAtMs ?? start.state.completedFrameworks.get(frameworkId)?.subscribedAtMs,
      startedAtMs: body.startedAtMs,
      disconnectedAtMs: undefined,
    })
    if (JSON.stringify(known?.record) === JSON.stringify(record))
      return admit(start, frameworkId, message, record)
    store([writeFramework(record)], (later, error) => {
      if (error === undefined) return admit(later, frameworkId, message, record)
      later.log('error', 'the registry could not store a framework', { frameworkId, error })
      const reply = refused('registry-unavailable', `the registry could not store the framework: ${error}`)
      later.toStranger({ kind: 'framework', id: frameworkId }, 'reply', reply, options)
    })
  })
}

/** @throws ProtocolError `replaced` or `torn-down`; `not-leader` when it is to ask again */
function checkInstance(turn: Turn, frameworkId: FrameworkId, { session, body }: Subscribe): void {
  const known = turn.state.frameworks.get(frameworkId)
  const isOlder =
    known?.state === 'connected' && known.session !== session && body.startedAtMs < known.startedAtMs
  if (isOlder)
    throw new ProtocolError('replaced', `a newer instance of framework ${frameworkId} is subscribed`)
  if (known && body.startedAtMs < known.startedAtMs && mayComeBack(turn, known)) {
    const problem = `a newer instance of framework ${frameworkId} may be about to subscribe again; ask again`
    throw new ProtocolError('not-leader', problem)
  }
  const ended = turn.state.completedFrameworks.get(frameworkId)
  if (ended && body.startedAtMs <= ended.startedAtMs)
    throw new ProtocolError('torn-down', `framework ${frameworkId} has ended: ${ended.reason}; start it anew`)
}

/** It was there a moment ago, or this leader is too new to have heard of it. */
function mayComeBack({ state, now }: Turn, { disconnectedAtMs, ...known }: Framework): boolean {
  if (known.state === 'connected') return false
  const since = known.session === '' ? state.leadership.electedAtMs : (disconnectedAtMs ?? now)
  return now < since + state.settings.frameworkTimeoutMs
}

/** Unlike that of a framework which had this id before, so that their tasks can be told apart. */
function firstSubscription({ state, now }: Turn, frameworkId: FrameworkId): number {
  const ended = state.completedFrameworks.get(frameworkId)
  return ended ? Math.max(now, ended.subscribedAtMs + 1) : now
}

function answerOf(turn: Turn, frameworkId: FrameworkId) {
  return done({ frameworkId, heartbeatMs: turn.state.settings.frameworkHeartbeatMs })
}

function admit(turn: Turn, frameworkId: FrameworkId, message: Subscribe, record: FrameworkRecord): void {
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
    link: turn.newLink(message.v),
    subscribedAtMs: record.subscribedAtMs,
    endedSubscribedAtMs: record.endedSubscribedAtMs,
    heardAtMs: turn.now,
    disconnectedAtMs: undefined,
    suppressedRoles: new Set(suppressedRoles),
    offerConstraints,
    replies: known?.replies ?? new Map<string, Reply>(),
    openCalls: known?.openCalls ?? new Set(),
    subscribeCall: message.call,
    record,
    endAgainAtMs: 0,
  }
  framework.link?.arrive(message)
  state.frameworks.set(frameworkId, framework)
  state.completedFrameworks.delete(frameworkId)
  turn.toFramework(framework, 'reply', answerOf(turn, frameworkId), message.call)
  state.allocator.setFramework(factsOf(framework))
  // All that is wanted: a role that is not named has no demand, whatever was said before.
  const shapes = new Map(message.body.demands?.map(demand => [demand.role, demand.shapes]))
  for (const role of new Set([...info.roles, ...(known?.info.roles ?? [])]))
    state.allocator.setDemand(frameworkId, role, shapes.get(role))
  turn.log('info', 'framework subscribed', { frameworkId, roles: info.roles.join(',') })
  turn.event({ kind: 'framework', framework: viewFramework(state, framework) })
}
