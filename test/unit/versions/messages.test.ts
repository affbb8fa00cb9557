import {
  accepted,
  agentToLeader,
  envelope,
  type ErrorCode,
  errorCodes,
  frameworkToLeader,
  type JsonSchema,
  leaderToAgent,
  leaderToEveryone,
  leaderToFramework,
  logChunk,
  registered,
  subscribed,
} from '@tender/sdk/protocol'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readableBy } from '../../../master/core/older-peers.js'
import { recordSchemas } from '../../../master/registry/records.js'
import { type Form, narrowed } from '../../support/previous-version/narrowed.js'
import {
  definitions,
  messages,
  readBody,
  readResult,
  registry,
  results,
} from '../../support/previous-version/version-1.js'

type Schemas = Readonly<Record<string, JsonSchema>>

const resultsToday: Schemas = {
  register: registered,
  subscribe: subscribed,
  accept: accepted,
  'read-log': logChunk,
}
/** The leader says these in other words to a peer of version 1. */
const translated = ['stale-offer', 'torn-down']
/** The leader says these only to peers of version 2, and to others the same in kinds that they know. */
const onlyToNewer = ['updates']

const today = (schema: JsonSchema | undefined): Form => ({ schema: schema ?? {}, $defs: {} })
const before = (schema: JsonSchema | undefined): Form => ({ schema: schema ?? {}, $defs: definitions })

/** What version 1 may say, and today's reader would refuse. */
const refusedToday = (said: Schemas, read: Schemas) =>
  Object.keys(said).flatMap(kind =>
    read[kind] ? narrowed(before(said[kind]), today(read[kind]), kind) : [`${kind} is not known any more`],
  )

/** What is said today, and version 1 would refuse. */
const refusedBefore = (said: Schemas, read: Schemas) =>
  Object.keys(said)
    .filter(kind => !onlyToNewer.includes(kind))
    .flatMap(kind =>
      read[kind] ? narrowed(today(said[kind]), before(read[kind]), kind) : [`${kind} was not known`],
    )
    .filter(problem => !translated.some(code => problem.endsWith(`: may not be ${code}`)))

describe('the messages of version 1', () => {
  const both: [name: string, before: Schemas, today: Schemas][] = [
    ['of agents', messages.agentToLeader, agentToLeader],
    ['of frameworks', messages.frameworkToLeader, frameworkToLeader],
    ['to agents', messages.leaderToAgent, leaderToAgent],
    ['to frameworks', messages.leaderToFramework, leaderToFramework],
    ['to everyone', messages.leaderToEveryone, leaderToEveryone],
    ['in the results of calls', results, resultsToday],
    ['in the envelope', { envelope: definitions['envelope'] ?? {} }, { envelope }],
    ['in the registry', registry, recordSchemas],
  ]
  for (const [name, old, current] of both) {
    it(`${name} are all read today, whatever they hold`, () => {
      expect(refusedToday(old, current)).to.deep.equal([])
    })

    it(`${name} can be all that is said today`, () => {
      expect(refusedBefore(current, old)).to.deep.equal([])
    })
  }

  it('have a word for each error code of today', () => {
    for (const code of errorCodes) {
      const no = { ok: false, code, message: 'no' }
      const result = { tasks: [{ taskId: 't1', ...no }], operations: [{ kind: 'reserve', ...no }] }
      const reply = readableBy(1, 'reply', { ...no, result }) as { result: unknown }
      const read = readBody('leaderToFramework', 'reply', reply) as { code: ErrorCode }
      readResult('accept', reply.result)
      readBody('leaderToFramework', 'failed', readableBy(1, 'failed', { code, message: 'no' }))
      expect(read.code === code, code).to.equal(!translated.includes(code))
    }
  })
})

describe('a schema that reads less than is said', () => {
  const fields = (properties: object, ...required: string[]): Form =>
    today({ type: 'object', required, properties })
  const cases: [name: string, sender: Form, reader: Form, problems: string[]][] = [
    ['a field that must be there', fields({}), fields({ a: {} }, 'a'), ['/: must have a']],
    [
      'another type',
      fields({ a: { type: 'number' } }),
      fields({ a: { type: 'integer' } }),
      ['/a: must be integer, may be number'],
    ],
    [
      'a word that is not known',
      today({ type: 'array', items: { enum: ['a', 'b'] } }),
      today({ type: 'array', items: { enum: ['a'] } }),
      ['/*: may not be b'],
    ],
    [
      'a lower bound',
      today({ type: 'string' }),
      today({ type: 'string', maxLength: 5 }),
      ['/: has a lower maxLength'],
    ],
    ['a field that is new', fields({ a: { type: 'string' } }, 'a'), fields({}), []],
  ]
  for (const [name, sender, reader, problems] of cases)
    it(`is found: ${name}`, () => expect(narrowed(sender, reader)).to.deep.equal(problems))
})
