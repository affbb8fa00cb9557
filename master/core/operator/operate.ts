import { ProtocolError, type Reply } from '@tender/sdk/protocol'
import type { OperatorCall } from '../operator-calls.js'
import { done, refusal, refused, type Turn } from '../turn.js'
import type { ChangesView } from '../view.js'
import { confirmSilent, deactivate, drain, reactivate, removeAgent } from './agents.js'
import type { Decision } from './decision.js'
import { tearDown } from './frameworks.js'
import { setMaintenance } from './maintenance.js'
import { setQuotas } from './quotas.js'
import { convert } from './reservations.js'
import { resetRole, setWeight } from './roles.js'
import { setWhitelist } from './whitelist.js'

/**
 * An operator's call: checked, and refused as a whole or stored; then it takes effect and is answered. One at a time,
 * since each may depend on what the one before has changed.
 */
export function operate(turn: Turn, requestId: string, call: OperatorCall): void {
  turn.change(['operator', ...recordsOf(call)], (start, store) => {
    const decision = decide(start, call)
    if (decision instanceof ProtocolError) {
      start.log('warn', 'an operator was refused', { call: call.kind, error: decision.message })
      return start.answer(requestId, refusal(decision))
    }
    decision.prepare?.(start)
    store(decision.records, (later, error) => {
      if (error === undefined) return later.answer(requestId, take(later, call, decision))
      decision.undo?.(later)
      later.log('error', 'the registry could not store what an operator asked', { call: call.kind, error })
      const problem = `the registry could not store it, or only a part: ${error}; ask again`
      later.answer(requestId, refused('registry-unavailable', problem))
    })
  })
}

function take(turn: Turn, { kind }: OperatorCall, decision: Decision): Reply {
  const changes = decision.take(turn)
  const texts = changes.map(
    ({ subject, field, from, to }) => `${subject}: ${field} ${from ?? 'none'} -> ${to ?? 'none'}`,
  )
  turn.log('info', 'an operator has changed the cluster', { call: kind, changes: texts.join(', ') })
  return done({ changes } satisfies ChangesView)
}

function decide(turn: Turn, call: OperatorCall): Decision | ProtocolError {
  try {
    return decisionOf(turn, call)
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}

function decisionOf(turn: Turn, call: OperatorCall): Decision {
  const { state, now } = turn
  switch (call.kind) {
    case 'set-weight':
      return setWeight(state, call)
    case 'reset-role':
      return resetRole(state, call)
    case 'set-quotas':
      return setQuotas(state, call)
    case 'reserve':
    case 'unreserve':
      return convert(state, call.kind, call)
    case 'create-volumes':
      return convert(state, 'create', call)
    case 'destroy-volumes':
      return convert(state, 'destroy', call)
    case 'set-maintenance':
      return setMaintenance(state, call)
    case 'drain':
      return drain(state, call, now)
    case 'deactivate':
      return deactivate(state, call)
    case 'reactivate':
      return reactivate(state, call)
    case 'remove-agent':
      return removeAgent(state, call)
    case 'tear-down':
      return tearDown(state, call, now)
    case 'confirm-silent':
      return confirmSilent(state)
    case 'set-whitelist':
      return setWhitelist(state, call)
  }
}

function recordsOf(call: OperatorCall): string[] {
  switch (call.kind) {
    case 'set-weight':
    case 'reset-role':
      return [`role ${call.role}`]
    case 'set-quotas':
      return call.quotas.map(({ role }) => `role ${role}`)
    case 'set-maintenance':
      return call.agentIds.map(agentId => `agent ${agentId}`)
    case 'tear-down':
      return [`framework ${call.frameworkId}`]
    case 'confirm-silent':
      return []
    case 'set-whitelist':
      return ['cluster']
    case 'reserve':
    case 'unreserve':
    case 'create-volumes':
    case 'destroy-volumes':
    case 'drain':
    case 'deactivate':
    case 'reactivate':
    case 'remove-agent':
      return [`agent ${call.agentId}`]
  }
}
