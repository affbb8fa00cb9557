import {
  type FrameworkId,
  type frameworkToLeader,
  type MessageOf,
  ProtocolError,
  type Reply,
} from '@tender/sdk/protocol'
import { roleProblem } from '@tender/sdk/values'
import { recordVersion, type RegistryRecord } from '../registry/records.js'
import { endOffersOfFramework } from './disconnect-framework.js'
import type { Framework } from './state.js'
import { done, refused, type Turn } from './turn.js'
import { viewFramework } from './views.js'

type Subscribe = Extract<MessageOf<typeof frameworkToLeader>, { kind: 'subscribe' }>

/**
 * A framework comes, comes back, or is replaced by a newer instance of itself. It is admitted once the registry knows
 * it and its roles.
 */
export function subscribe(turn: Turn, frameworkId: FrameworkId, message: Subscribe): void {
  const known = turn.state.frameworks.get(frameworkId)
  const problem = problemOf(frameworkId, message, known)
  const { session, call } = message
  const options = { to: session, ...(call === undefined ? {} : { call }) }
  if (problem) {
    turn.log('warn', 'a framework was refused', { frameworkId, error: problem.message })
    return turn.refuse({ kind: 'framework', id: frameworkId }, problem, options)
  }
  const isRepeated = known?.state === 'connected' && known.session === session && known.subscribeCall === call
  if (known && isRepeated) return turn.toFramework(known, 'reply', answerOf(turn, frameworkId), call)
  const records = missingRecords(turn, message, known)
  if (records.length === 0) return admit(turn, frameworkId, message)
  turn.store(records, (later, error) => {
    if (error === undefined) return admit(later, frameworkId, message)
    later.log('error', 'the registry could not store a framework', { frameworkId, error })
    const reply = refused('registry-unavailable', `the registry could not store the framework: ${error}`)
    later.toStranger({ kind: 'framework', id: frameworkId }, 'reply', reply, options)
  })
}

function problemOf(frameworkId: FrameworkId, { session, body }: Subscribe, known: Framework | undefined) {
  const { framework: info } = body
  if (info.frameworkId !== frameworkId) {
    const rule = `frameworkId must be the one of the subject, ${frameworkId}, got ${info.frameworkId}`
    return new ProtocolError('invalid-framework', rule)
  }
  for (const role of info.roles) {
    const rule = roleProblem(role)
    if (rule !== undefined) return new ProtocolError('invalid-framework', `${rule}, got '${role}'`)
  }
  if (new Set(info.roles).size < info.roles.length) {
    return new ProtocolError(
      'invalid-framework',
      `roles must not be named twice, got ${info.roles.join(', ')}`,
    )
  }
  const isOlder =
    known?.state === 'connected' && known.session !== session && body.startedAtMs < known.startedAtMs
  return isOlder
    ? new ProtocolError('replaced', `a newer instance of framework ${frameworkId} is subscribed`)
    : undefined
}

function missingRecords(turn: Turn, { body }: Subscribe, known: Framework | undefined): RegistryRecord[] {
  const records: RegistryRecord[] = []
  const { framework: info } = body
  if (JSON.stringify(known?.info) !== JSON.stringify(info)) {
    const value = { v: recordVersion, framework: info, subscribedAtMs: known?.subscribedAtMs ?? turn.now }
    records.push({ kind: 'framework', id: info.frameworkId, value })
  }
  for (const role of info.roles) {
    if (!turn.state.roles.has(role)) {
      records.push({ kind: 'role', id: role, value: { v: recordVersion, role, weight: 1 } })
    }
  }
  return records
}

function answerOf(turn: Turn, frameworkId: FrameworkId) {
  return done({ frameworkId, heartbeatMs: turn.state.settings.frameworkHeartbeatMs })
}

function admit(turn: Turn, frameworkId: FrameworkId, message: Subscribe): void {
  const { state } = turn
  const { framework: info, suppressedRoles = [], startedAtMs } = message.body
  const known = state.frameworks.get(frameworkId)
  if (known?.state === 'connected' && known.session !== message.session) {
    turn.log('info', 'a newer instance replaces a framework', { frameworkId })
    turn.toFramework(known, 'failed', {
      code: 'replaced',
      message: 'a newer instance has subscribed under this id',
    })
  }
  endOffersOfFramework(turn, frameworkId, 'the framework subscribed again')
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
    replies: known?.replies ?? new Map<string, Reply>(),
    subscribeCall: message.call,
  }
  framework.link?.arrive(message)
  state.frameworks.set(frameworkId, framework)
  for (const role of info.roles) if (!state.roles.has(role)) state.roles.set(role, { weight: 1 })
  turn.toFramework(framework, 'reply', answerOf(turn, frameworkId), message.call)
  state.allocator.setFramework({
    frameworkId,
    roles: info.roles,
    suppressed: framework.suppressedRoles,
    capabilities: new Set(info.capabilities),
    minAllocatable: new Map(),
    constraints: new Map(),
  })
  turn.log('info', 'framework subscribed', { frameworkId, roles: info.roles.join(',') })
  turn.event({ kind: 'framework', framework: viewFramework(state, framework) })
}
