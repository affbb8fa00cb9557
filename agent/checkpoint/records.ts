import { resources, taskInfo, taskStatus, validator } from '@tender/sdk/protocol'
import { Resources, type WireResources } from '@tender/sdk/values'
import type { AgentTaskState } from '../core/task.js'
import type { StartedWith } from '../resources/started-with.js'

export interface IdRecord {
  readonly agentId: string
}

export interface StartRecord {
  readonly starts: number
}

/** What the leader has made of an agent's resources. */
export interface ResourcesRecord {
  readonly revision: number
  /** All that there is, reservations and volumes included. */
  readonly resources: WireResources
  /** What the agent was started with, before the leader changed anything. */
  readonly startedWith: WireResources
}

const checkInfo = validator(taskInfo)
const checkStatus = validator(taskStatus)
const checkResources = validator(resources)

export function isId(record: unknown): record is IdRecord {
  return isObject(record) && typeof record['agentId'] === 'string'
}

export function isStart(record: unknown): record is StartRecord {
  return isObject(record) && Number.isSafeInteger(record['starts'])
}

export function isTask(record: unknown): record is AgentTaskState {
  if (!isObject(record)) return false
  const { frameworkId, role, info, state, updates, lastSequence } = record
  return (
    typeof frameworkId === 'string' &&
    typeof role === 'string' &&
    typeof state === 'string' &&
    Number.isInteger(lastSequence) &&
    checkInfo(info).ok &&
    Array.isArray(updates) &&
    updates.every(update => checkStatus(update).ok)
  )
}

export function isResourcesRecord(record: unknown): record is ResourcesRecord {
  if (!isObject(record)) return false
  const { revision, resources, startedWith } = record
  return Number.isInteger(revision) && [resources, startedWith].every(isResources)
}

export function isStartedWith(record: unknown): record is StartedWith {
  if (!isObject(record)) return false
  const { resources, detected, attributes, domain } = record
  return (
    isResources(resources) &&
    Array.isArray(detected) &&
    detected.every(name => typeof name === 'string') &&
    isObject(attributes) &&
    (domain === undefined || isObject(domain))
  )
}

function isObject(record: unknown): record is Record<string, unknown> {
  return typeof record === 'object' && record !== null
}

function isResources(wire: unknown): boolean {
  const checked = checkResources(wire)
  if (!checked.ok) return false
  try {
    Resources.fromWire(checked.value)
    return true
  } catch {
    return false
  }
}
