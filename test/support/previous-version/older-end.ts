import { encode, type Envelope, unpack } from '@tender/sdk/protocol'
import type { MemoryTransport } from '@tender/sdk/testing'
import { type Direction, readBody, readEnvelope, readResult } from './version-1.js'

type Process = 'leader' | 'agent' | 'framework'

interface Message {
  readonly kind: string
  readonly session: string
  readonly epoch: number
  readonly call?: string
  readonly body: object
}

/**
 * Makes a process one of version 1, for all that the others can see: what it says is of that version and holds nothing
 * newer, and of what it hears it knows only what that version knew. A leader refuses other versions as it did then.
 */
export class OlderEnd {
  /** Kinds of the messages that it has read. */
  readonly heard = new Set<string>()
  /** Kinds of the messages that it has sent. */
  readonly said = new Set<string>()
  /** Messages that version 1 could not read, or would not have sent, and why. */
  readonly problems: string[] = []
  /** Kinds of the messages of other versions that a leader has refused. */
  readonly refused: string[] = []
  /** The next message of this kind does not arrive. */
  loses = ''
  readonly #process: Process
  readonly #publish: MemoryTransport['publish']
  /** By the subject of the peer: the kinds of calls, to know the results. */
  readonly #calls = new Map<string, string>()
  /** By the subject of the peer: the session that the leader has taken. */
  readonly #sessions = new Map<string, string>()
  #epoch = 0
  #session = ''
  #refusals = 0

  constructor(process: Process, transport: MemoryTransport) {
    this.#process = process
    this.#publish = transport.publish.bind(transport)
    const subscribe = transport.subscribe.bind(transport)
    transport.publish = (subject, bytes) => this.#say(subject, unpack(bytes))
    transport.subscribe = (subject, handler) =>
      subscribe(subject, (bytes, at) => {
        const message = this.#hear(at, unpack(bytes) as Envelope)
        if (message) handler(encode(message), at)
      })
  }

  #say(subject: string, sent: unknown): void {
    const message = this.#read(subject, { ...(sent as Envelope), v: 1 })
    if (!message) return
    this.said.add(message.kind)
    this.#epoch = message.epoch
    this.#session = message.session
    this.#publish(subject, encode(message))
  }

  #hear(subject: string, envelope: Envelope): Envelope | undefined {
    if (this.#process === 'leader' && envelope.v !== 1) return this.#refuse(subject, envelope)
    // What still comes for the life before this one is of no interest, in whatever version.
    if (envelope.to !== undefined && envelope.to !== this.#session) return undefined
    const message = this.#read(subject, envelope)
    if (!message) return undefined
    if (message.kind === this.loses) {
      this.loses = ''
      return undefined
    }
    this.heard.add(message.kind)
    if (message.kind === 'register' || message.kind === 'subscribe')
      this.#sessions.set(subject, message.session)
    return message
  }

  #read(subject: string, envelope: Envelope): Envelope | undefined {
    try {
      if (envelope.v !== 1) throw new TypeError(`this end speaks version 1, got ${envelope.v}`)
      const { body, ...outer } = readEnvelope(envelope) as Message
      const known = readBody(directionOf(subject), outer.kind, body)
      return { ...outer, body: this.#withResult(subject, outer, known) } as unknown as Envelope
    } catch (error) {
      this.problems.push((error as Error).message)
      return undefined
    }
  }

  #withResult(subject: string, { kind, call }: Omit<Message, 'body'>, body: object): object {
    if (call === undefined) return body
    const key = `${subject.replace('.master.', '.')} ${call}`
    if (kind !== 'reply') this.#calls.set(key, kind)
    if (kind !== 'reply' || !('result' in body)) return body
    return { ...body, result: readResult(this.#calls.get(key) ?? '', body.result) }
  }

  /** Version 1 sent this to the session that it knew, also when another one had spoken. */
  #refuse(subject: string, { v, kind, call }: Envelope): undefined {
    this.refused.push(kind)
    const to = this.#sessions.get(subject)
    const refusal = {
      v: 1,
      kind: 'reply',
      session: `refusal-${++this.#refusals}`,
      sequence: 1,
      epoch: this.#epoch,
      ...(to === undefined ? {} : { to }),
      ...(call === undefined ? {} : { call }),
      body: { ok: false, code: 'unsupported-version', message: `this end speaks version 1, got ${v}` },
    }
    this.#publish(subject.replace('.master.', '.'), encode(refusal))
  }
}

function directionOf(subject: string): Direction {
  const [, , ...rest] = subject.split('.')
  if (rest[0] === 'leader') return 'leaderToEveryone'
  if (rest[0] === 'agent') return 'leaderToAgent'
  if (rest[0] === 'framework') return 'leaderToFramework'
  return rest[1] === 'agent' ? 'agentToLeader' : 'frameworkToLeader'
}
