import * as protocol from '@tender/sdk/protocol'
import { recordSchemas } from '../../../master/registry/records.js'

/** Prints the schemas of all messages and records of this program as one JSON document; see README.md. */

const { agentToLeader, frameworkToLeader, leaderToAgent, leaderToEveryone, leaderToFramework } = protocol
const { accepted, logChunk, registered, subscribed } = protocol

/** A schema that has a name is written once, and referred to. */
const names = new Map<unknown, string>(
  Object.entries(protocol as Record<string, unknown>)
    .filter(([, value]) => isSchema(value))
    .map(([name, value]) => [value, name]),
)

function isSchema(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { type, enum: values, anyOf } = value as Record<string, unknown>
  return typeof type === 'string' || Array.isArray(values) || Array.isArray(anyOf)
}

function written(schema: unknown): unknown {
  const refer = (value: unknown): unknown => {
    const name = value === schema ? undefined : names.get(value)
    if (name !== undefined) return { $ref: `#/$defs/${name}` }
    if (typeof value !== 'object' || value === null) return value
    return Array.isArray(value) ? value.map(refer) : each(value, refer)
  }
  return refer(schema)
}

function each(values: object, change: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]))
}

const directions = { agentToLeader, frameworkToLeader, leaderToAgent, leaderToEveryone, leaderToFramework }
const results = { register: registered, subscribe: subscribed, accept: accepted, 'read-log': logChunk }

const frozen = {
  protocolVersion: protocol.protocolVersion,
  messages: each(directions, kinds => each(kinds as object, written)),
  results: each(results, written),
  registry: each(recordSchemas, written),
  $defs: Object.fromEntries([...names].map(([schema, name]) => [name, written(schema)])),
}
process.stdout.write(`${JSON.stringify(frozen)}\n`)
