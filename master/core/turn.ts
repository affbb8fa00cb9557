import {
  type AgentId,
  type ErrorCode,
  LinkEnd,
  oldestProtocolVersion,
  type Peer,
  type ProtocolError,
  type Reply,
  type SessionId,
} from '@tender/sdk/protocol'
import type { LogFields, Millis } from '@tender/sdk/runtime'
import type { RegistryRecord } from '../registry/records.js'
import type { MasterCommand } from './commands.js'
import { readableBy } from './older-peers.js'
import { RecordLocks } from './record-locks.js'
import type { Agent, Framework, MasterState } from './state.js'
import type { ClusterEvent } from './view.js'

/** What happens when the registry has written, or could not (then with the reason). */
export type AfterStore = (turn: Turn, error: string | undefined) => void

/** Writes these records; at most once in a change. */
export type Store = (records: readonly RegistryRecord[], then: AfterStore) => void

interface StrangerOptions {
  readonly to?: SessionId
  readonly call?: string
  /** The version in which it speaks. */
  readonly v?: number
}

/** What outlives a turn, and is nobody's business but the turns'. */
export class TurnMemory {
  /** Agents of which something has changed since frameworks were asked to leave last. */
  readonly touched = new Set<AgentId>()
  readonly afterStore = new Map<number, AfterStore>()
  readonly locks = new RecordLocks()
  #lastTicket = 0
  #lastSession = 0
  #lastOffer = 0
  #lastInverseOffer = 0
  #lastCall = 0

  nextTicket(): number {
    return ++this.#lastTicket
  }
  nextSession(): number {
    return ++this.#lastSession
  }
  nextOffer(): number {
    return ++this.#lastOffer
  }
  nextInverseOffer(): number {
    return ++this.#lastInverseOffer
  }
  nextCall(): number {
    return ++this.#lastCall
  }
}

/** One input being handled: the state, the time, and the commands that come of it. */
export class Turn {
  readonly state: MasterState
  readonly now: Millis
  readonly commands: MasterCommand[] = []
  readonly touched: Set<AgentId>
  readonly #memory: TurnMemory

  constructor(state: MasterState, now: Millis, memory: TurnMemory) {
    this.state = state
    this.now = now
    this.#memory = memory
    this.touched = memory.touched
  }

  get epoch(): number {
    return this.state.leadership.epoch
  }

  /** A fresh start of the numbers towards a peer: at each registration and subscription. */
  newLink(version?: number): LinkEnd {
    return new LinkEnd(`${this.epoch}-${this.#memory.nextSession()}`, version)
  }

  newOfferId(): string {
    return `${this.epoch}-${this.#memory.nextOffer()}`
  }

  newInverseOfferId(): string {
    return `${this.epoch}-i${this.#memory.nextInverseOffer()}`
  }

  newCallId(): string {
    return `${this.epoch}-${this.#memory.nextCall()}`
  }

  toAgent(agent: Agent, kind: string, body: object, call?: string): void {
    this.#send({ kind: 'agent', id: agent.agentId }, agent, kind, body, call)
  }

  toFramework(framework: Framework, kind: string, body: object, call?: string): void {
    this.#send({ kind: 'framework', id: framework.frameworkId }, framework, kind, body, call)
  }

  #send(
    peer: Peer,
    end: { link: LinkEnd | undefined; session: SessionId },
    kind: string,
    body: object,
    call?: string,
  ) {
    if (!end.link) return
    const options = { to: end.session, ...(call === undefined ? {} : { call }) }
    const readable = readableBy(end.link.version, kind, body)
    this.commands.push({ kind: 'send', peer, envelope: end.link.wrap(kind, readable, this.epoch, options) })
  }

  /** To somebody who has no link (yet): outside of any numbering, in a session of its own. */
  toStranger(peer: Peer, kind: string, body: object, options: StrangerOptions = {}): void {
    // Where it is not known what is understood, the oldest version is.
    const { v = oldestProtocolVersion, ...address } = options
    const envelope = this.newLink(v).wrap(kind, readableBy(v, kind, body), this.epoch, address)
    this.commands.push({ kind: 'send', peer, envelope })
  }

  refuse(peer: Peer, error: ProtocolError, options: StrangerOptions = {}): void {
    this.toStranger(peer, 'reply', refusal(error), options)
  }

  /**
   * A change of records of the registry, which are named `agent a1`, `role web` and so on. It starts when nobody else is
   * changing one of them, and they are its own until what it stores has been stored; or until it returns, if it stores
   * nothing.
   */
  change(names: readonly string[], start: (turn: Turn, store: Store) => void): void {
    const begin = (turn: Turn) => {
      let isStoring = false
      start(turn, (records, then) => {
        isStoring = true
        turn.#store(records, (later, error) => {
          then(later, error)
          later.#release(names)
        })
      })
      if (!isStoring) turn.#release(names)
    }
    if (this.#memory.locks.take(names, begin)) begin(this)
  }

  #release(names: readonly string[]): void {
    for (const { start } of this.#memory.locks.release(names)) start(this)
  }

  #store(records: readonly RegistryRecord[], then: AfterStore): void {
    const ticket = this.#memory.nextTicket()
    this.#memory.afterStore.set(ticket, then)
    this.commands.push({ kind: 'store', ticket, records })
  }

  /** What is held of this agent has changed, or its window: who has to be asked to leave is looked at when the step ends. */
  touch(agentId: AgentId): void {
    this.touched.add(agentId)
  }

  answer(requestId: string, reply: Reply): void {
    this.commands.push({ kind: 'answer', requestId, reply })
  }

  event(event: Omit<ClusterEvent, 'timestampMs'>): void {
    this.commands.push({ kind: 'event', event: { ...event, timestampMs: this.now } })
  }

  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: LogFields = {}): void {
    this.commands.push({ kind: 'log', level, message, fields })
  }
}

export function done(result?: unknown): Reply {
  return result === undefined ? { ok: true } : { ok: true, result }
}

export function refusal(error: ProtocolError): Reply {
  return { ok: false, code: error.code, message: error.message }
}

export function refused(code: ErrorCode, message: string): Reply {
  return { ok: false, code, message }
}
