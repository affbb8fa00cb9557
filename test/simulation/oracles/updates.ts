import type { TaskStatus } from '@tender/sdk/protocol'
import { isTerminal, type TaskState } from '@tender/sdk/values'
import { type Fact, type FactOf, type Key, keyOf } from '../world/facts.js'
import { EndedFrameworks } from './ended-frameworks.js'
import { Oracle } from './oracle.js'

interface Log {
  /** By number, as the agent has stored them. */
  readonly stored: Map<number, TaskState>
  /** In the last checkpoint, not acknowledged. */
  open: readonly number[]
  readonly handled: Set<number>
  isRecordLost: boolean
  agentId: string | undefined
  /** Its agent was removed by an operator while it was there: what it does from then on may never be told. */
  isRemoved: boolean
  /** Its framework has been told that it has ended: what it did before that need not be told any more. */
  hasEnded: boolean
}

/**
 * Promise 3: each update that an agent has stored reaches the framework's handler, in order, once in each life of it,
 * and is not forgotten before the handler was done with it; but for what a task did before an end that is known already.
 * And what is told is true.
 */
export class Updates extends Oracle {
  override readonly name = 'updates'
  readonly #logs = new Map<Key, Log>()
  /** By life of a framework and task: the last number that was told. */
  readonly #told = new Map<string, number>()
  readonly #exits = new Map<Key, number | undefined>()
  readonly #frameworks = new EndedFrameworks()
  readonly #removed = new Set<string>()

  override see(fact: Fact): void {
    this.#frameworks.see(fact)
    switch (fact.kind) {
      case 'checkpointed':
        return this.#checkpointed(fact)
      case 'forgotten':
        return this.#forgotten(fact.key)
      case 'record-lost':
        this.#log(fact.key).isRecordLost = true
        return
      case 'container-ended':
        this.#exits.set(fact.key, fact.exitCode)
        return
      case 'operator-asked':
      case 'operator-answered':
        if (fact.call.kind === 'remove-agent') this.#removedAgent(fact.call.agentId)
        return
      case 'told':
        this.#isTrue(fact.status)
        return this.#isInOrder(fact)
      case 'handled':
        if (fact.status.sequence !== undefined)
          this.#log(keyOf(fact.status)).handled.add(fact.status.sequence)
        return
      default:
        return
    }
  }

  override remains(): string[] {
    return [...this.#logs].flatMap(([key, log]) => {
      if (this.#isExcused(key, log)) return []
      const missing = [...log.stored.keys()].filter(number => !isDealtWith(log, number))
      return missing.length > 0 ? [`updates ${missing.join(', ')} of ${key} were never dealt with`] : []
    })
  }

  #log(key: Key): Log {
    let log = this.#logs.get(key)
    if (!log) this.#logs.set(key, (log = newLog()))
    return log
  }

  #removedAgent(agentId: string): void {
    this.#removed.add(agentId)
    for (const log of this.#logs.values()) if (log.agentId === agentId) log.isRemoved = true
  }

  #isExcused(key: Key, log: Log): boolean {
    const isGone = log.isRemoved || (log.hasEnded && this.#removed.has(log.agentId ?? ''))
    return log.isRecordLost || isGone || this.#frameworks.mayHaveEnded(key)
  }

  #checkpointed({ agentId, task }: FactOf<'checkpointed'>): void {
    const key = keyOf({ frameworkId: task.frameworkId, taskId: task.info.taskId })
    const log = this.#log(key)
    log.agentId = agentId
    for (const { sequence = 0, state } of task.updates) {
      const before = log.stored.get(sequence)
      this.expect(before === undefined || before === state || log.isRecordLost, () => {
        return `agent ${agentId} has stored update ${sequence} of ${key} as ${before}, and now as ${state}`
      })
      log.stored.set(sequence, state)
    }
    this.#areDealtWith(key, log, new Set(task.updates.map(({ sequence = 0 }) => sequence)))
    log.open = task.updates.map(({ sequence = 0 }) => sequence)
  }

  #forgotten(key: Key): void {
    const log = this.#log(key)
    this.#areDealtWith(key, log, new Set())
    log.open = []
  }

  /** What the agent does not keep any more. */
  #areDealtWith(key: Key, log: Log, kept: ReadonlySet<number>): void {
    for (const number of log.open) {
      const isFine = kept.has(number) || isDealtWith(log, number) || this.#isExcused(key, log)
      this.expect(
        isFine,
        () => `update ${number} of ${key} is forgotten, and its framework has not dealt with it`,
      )
    }
  }

  #isInOrder({ status, process, life }: FactOf<'told'>): void {
    const { sequence, state } = status
    const key = keyOf(status)
    const log = this.#log(key)
    if (isTerminal(state)) log.hasEnded = true
    if (sequence === undefined) return
    if (log.isRecordLost) return
    const stored = log.stored.get(sequence)
    this.expect(stored === state, () => `${key} #${sequence} is told as ${state}, its agent stored ${stored}`)
    const place = `${process}/${life}/${key}`
    const last = this.#told.get(place)
    this.expect(last === undefined || sequence > last, () => {
      return `${key} #${sequence} is told after #${last} in one life of ${process}`
    })
    this.#told.set(place, sequence)
    const missing = [...log.stored.keys()].filter(
      number => number < sequence && number > (last ?? 0) && !isDealtWith(log, number),
    )
    this.expect(missing.length === 0, () => {
      return `${key} #${sequence} is told, and #${missing.join(', #')} was never dealt with`
    })
  }

  /** Nobody makes up how a task has ended. */
  #isTrue(status: TaskStatus): void {
    const { state, exitCode } = status
    const key = keyOf(status)
    if (state === 'FINISHED') {
      const real = this.#exits.get(key)
      this.expect(real === 0, () => `${key} is told as FINISHED, and its container ended with ${real}`)
    }
    if (exitCode !== undefined && isTerminal(state)) {
      const real = this.#exits.get(key)
      this.expect(real === exitCode, () => `${key} is told to have exit code ${exitCode}, it was ${real}`)
    }
  }
}

function newLog(): Log {
  return {
    stored: new Map(),
    open: [],
    handled: new Set(),
    isRecordLost: false,
    agentId: undefined,
    isRemoved: false,
    hasEnded: false,
  }
}

function isDealtWith({ handled, hasEnded, stored }: Log, number: number): boolean {
  if (handled.has(number)) return true
  const state = stored.get(number)
  return hasEnded && state !== undefined && !isTerminal(state)
}
