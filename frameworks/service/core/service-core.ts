import { type ErrorCode, isTerminal, type Millis, type Offer, type TaskStatus } from '@tender/sdk'
import type { AppState } from './app-state.js'
import { AppBook } from './app-book.js'
import { changeOf } from './change-app.js'
import type { Command } from './commands.js'
import { Commits } from './commits.js'
import { Demand } from './demand.js'
import { endWithoutLaunch, endWithStatus } from './ending.js'
import type { Input } from './inputs.js'
import { afterStatus } from './instance-status.js'
import { Kills } from './kills.js'
import { place } from './placement.js'
import { plan } from './plan.js'
import type { AppRecord, InstanceRecord } from './records.js'
import { tightAfterMs } from './rolling.js'
import { taskOf } from './task.js'
import { type Connection, waitingOf } from './waiting.js'

export interface ServiceSettings {
  /** The one role in which offers are taken. */
  readonly role: string
  /** Gives an id that no instance or deployment ever had. Chance is given, never fetched. */
  readonly nextId: () => string
}

/** Not offered again for so long; a new demand revives and so ends it. Mesos' default. */
const refuseMs = 5_000
/** One call is one message, which NATS limits to 1 MB. */
const maxTasksPerCall = 4_000
/** Nobody knows the task nor its agent, and nothing has been heard for so long: it is replaced. */
const unknownForMs = 60_000

/** It is not known whether the tasks were launched; after `closed`, the next run finds out. */
const unsureCodes: readonly ErrorCode[] = ['timeout', 'closed']

/**
 * Keeps apps running: a function from one input to the commands that follow from it. It holds no offer: each is used or
 * declined in the step in which it comes.
 */
export class ServiceCore {
  readonly #settings: ServiceSettings
  readonly #book: AppBook
  readonly #commits = new Commits()
  readonly #kills = new Kills()
  readonly #demand = new Demand()
  /** Tasks whose accept has not been answered: nobody is told to kill them before it is. */
  readonly #accepting = new Set<string>()
  /** Apps that something has changed for in this step. */
  readonly #changed = new Set<AppState>()
  #connection: Connection = { isConnected: false, reason: 'not subscribed yet', sinceMs: 0 }
  /** What an earlier run has launched is not known to the SDK yet, which is to look after it. */
  #isFresh = true

  constructor(settings: ServiceSettings) {
    this.#settings = settings
    this.#book = new AppBook(settings.role)
  }

  /** By id. What is deleted is no longer among them, even while its instances end. */
  apps(): AppState[] {
    return this.#book.visible()
  }

  app(id: string): AppState | undefined {
    const state = this.#book.get(id)
    return state?.record.isDeleted ? undefined : state
  }

  get connection(): Connection {
    return this.#connection
  }

  step(input: Input, now: Millis): Command[] {
    return [...this.#handle(input, now), ...this.#adjust(now)]
  }

  #handle(input: Input, now: Millis): Command[] {
    switch (input.kind) {
      case 'recovered':
        return this.#recovered(input.apps, input.instances, now)
      case 'put-app':
      case 'delete-app':
        return this.#changeApp(input, now)
      case 'subscribed':
        return this.#subscribed(now)
      case 'disconnected':
        this.#connection = { isConnected: false, reason: input.reason, sinceMs: now }
        return []
      case 'offers':
        return this.#offers(input.offers, now)
      case 'update':
        return this.#update(input.status, now)
      case 'launched':
        return input.results.flatMap(result =>
          result.ok ? this.#launched(result.taskId, now) : this.#notLaunched(result.taskId, result, now),
        )
      case 'accept-failed':
        return unsureCodes.includes(input.code)
          ? this.#unsureOf(input.taskIds)
          : input.taskIds.flatMap(taskId => this.#notLaunched(taskId, input, now))
      case 'stored':
        return [...this.#commits.stored(input.commit)]
      case 'tick':
        return this.#tick(now)
    }
  }

  #recovered(apps: readonly AppRecord[], instances: readonly InstanceRecord[], now: Millis): Command[] {
    const orphans = this.#book.recover(apps, instances)
    for (const state of this.#book.all()) this.#changed.add(state)
    for (const { taskId, goal } of instances) if (goal === 'stop') this.#kills.order(taskId, now)
    return orphans.map(({ taskId, appId }) => ({
      kind: 'log',
      level: 'warn',
      message:
        'an instance is left alone, because its app is not in the store; put the app again to adopt it',
      fields: { taskId, appId },
    }))
  }

  #changeApp(input: Extract<Input, { kind: 'put-app' | 'delete-app' }>, now: Millis): Command[] {
    const id = input.kind === 'put-app' ? input.definition.id : input.appId
    const deploymentId = this.#settings.nextId()
    const settings = { role: this.#settings.role, deploymentId, now }
    const change = changeOf(input, this.#book.get(id), settings)
    if (!change.ok) return [{ kind: 'answer', requestId: input.requestId, answer: change }]
    this.#changed.add(this.#book.put(change.record, change.isNewConfig))
    const answer = { ok: true, app: change.record } as const
    return [
      this.#commits.store(
        [{ kind: 'put-app', app: change.record }],
        [{ kind: 'answer', requestId: input.requestId, answer }],
      ),
      { kind: 'log', level: 'info', message: change.summary, fields: { appId: id } },
    ]
  }

  #subscribed(now: Millis): Command[] {
    this.#connection = { isConnected: true, reason: '', sinceMs: now }
    this.#demand.forget(this.#book.all())
    this.#kills.now()
    if (!this.#isFresh) return []
    this.#isFresh = false
    return this.#nameInstances()
  }

  /** Asks after each task by name, once: the SDK asks again by itself, also each leader to come. */
  #nameInstances(): Command[] {
    const tasks = this.#book
      .instances()
      .filter(({ taskId }) => !this.#accepting.has(taskId))
      .map(({ taskId, agentId }) => ({ taskId, agentId }))
    const commands: Command[] = []
    for (let from = 0; from < tasks.length; from += maxTasksPerCall)
      commands.push({ kind: 'reconcile', tasks: tasks.slice(from, from + maxTasksPerCall) })
    return commands
  }

  #offers(offers: readonly Offer[], now: Millis): Command[] {
    const wishes = this.#demand.due(now)
    const { agents, shortages } = place(wishes, offers, { now, nextInstanceId: this.#settings.nextId })
    for (const state of wishes) {
      state.shortage = shortages.get(state)
      this.#changed.add(state)
    }
    const used = agents.filter(agent => agent.placed.length > 0)
    const unused = agents.filter(agent => agent.placed.length === 0).flatMap(agent => agent.offers)
    const placed = used.flatMap(agent => agent.placed)
    for (const { state, instance } of placed) {
      this.#book.adopt(state, instance)
      this.#accepting.add(instance.taskId)
    }
    const writes = placed.map(({ instance }) => ({ kind: 'put-instance', instance }) as const)
    const accepts = used.map<Command>(agent => ({
      kind: 'accept',
      offers: agent.offers,
      tasks: agent.placed.map(({ state, instance }) => taskOf(state.app, instance)),
    }))
    return [
      ...placed.map(({ instance }) => log('info', 'launching an instance', instance)),
      ...(writes.length > 0 ? [this.#commits.store(writes, accepts)] : []),
      ...(unused.length > 0 ? [{ kind: 'decline', offers: unused, refuseMs } as const] : []),
    ]
  }

  #launched(taskId: string, now: Millis): Command[] {
    this.#accepting.delete(taskId)
    // It may have been ordered to end while its accept was under way.
    if (this.#book.find(taskId)?.instance.goal === 'stop') this.#kills.order(taskId, now)
    return []
  }

  #notLaunched(
    taskId: string,
    refusal: { readonly code?: string; readonly message?: string },
    now: Millis,
  ): Command[] {
    this.#accepting.delete(taskId)
    const found = this.#book.find(taskId)
    if (!found) return []
    if (found.state) endWithoutLaunch(found.state, found.instance, refusal, now)
    return [
      this.#forget(found.state, found.instance),
      log('warn', `a launch was refused: ${refusal.message ?? refusal.code}`, found.instance),
    ]
  }

  /** The reply to an accept is missing for good. The SDK finds out what became of the tasks: an update says so. */
  #unsureOf(taskIds: readonly string[]): Command[] {
    for (const taskId of taskIds) this.#accepting.delete(taskId)
    return []
  }

  #update(status: TaskStatus, now: Millis): Command[] {
    const found = this.#book.find(status.taskId)
    if (!found) return this.#unknownTask(status)
    const { state, instance } = found
    if (isTerminal(status.state)) {
      if (state) endWithStatus(state, instance, status, now)
      const level = instance.goal === 'stop' || status.state === 'FINISHED' ? 'info' : 'warn'
      const why = [status.reason, status.message].filter(each => each !== undefined).join(': ')
      return [
        this.#forget(state, instance),
        log(level, `an instance is ${status.state}${why ? `, ${why}` : ''}`, instance),
      ]
    }
    const next = afterStatus(instance, status, now)
    if (next === instance) return []
    this.#book.adopt(state, next)
    if (state) this.#changed.add(state)
    if (next.goal === 'stop' && status.state !== 'KILLING') this.#kills.order(next.taskId, now)
    return [this.#commits.store([{ kind: 'put-instance', instance: next }])]
  }

  /** Ours, but not written down: it is not counted for any app, so it must not run. */
  #unknownTask({ taskId, agentId, state }: TaskStatus): Command[] {
    if (state !== 'STAGING' && state !== 'STARTING' && state !== 'RUNNING') return []
    return [
      { kind: 'kill', taskId, agentId, graceMs: undefined },
      {
        kind: 'log',
        level: 'warn',
        message: `killing a task of this framework that belongs to no app`,
        fields: { taskId, agentId, state },
      },
    ]
  }

  #forget(state: AppState | undefined, { taskId }: InstanceRecord): Command {
    this.#book.remove(taskId)
    this.#kills.done(taskId)
    if (state) this.#changed.add(state)
    return this.#commits.store([{ kind: 'remove-instance', taskId }])
  }

  #tick(now: Millis): Command[] {
    const commands: Command[] = []
    for (const instance of this.#book.unknown()) {
      if (now < instance.stateSinceMs + unknownForMs) continue
      commands.push(this.#forget(this.#book.find(instance.taskId)?.state, instance))
      commands.push(log('warn', `nobody has known the task for ${unknownForMs} ms: it is replaced`, instance))
    }
    for (const state of this.#demand.waiting) {
      const waitsSince = Math.max(state.missingSinceMs, state.backoff.untilMs, this.#connection.sinceMs)
      if (state.isTight || now < waitsSince + tightAfterMs) continue
      if (!this.#connection.isConnected || !state.isReplacing) continue
      state.isTight = true
      this.#changed.add(state)
    }
    return commands
  }

  /** Ends each step: what is wanted is compared with what there is. */
  #adjust(now: Millis): Command[] {
    const commands: Command[] = []
    for (const state of this.#changed) commands.push(...this.#adjustApp(state, now))
    this.#changed.clear()
    if (!this.#connection.isConnected) return commands
    return [...commands, ...this.#killDue(now), ...this.#demand.commands(now)]
  }

  #adjustApp(state: AppState, now: Millis): Command[] {
    state.isTight &&= state.isReplacing
    const { start, stop } = plan(state)
    this.#demand.set(state, start, now)
    if (state.record.isDeleted && state.instances.size === 0) {
      this.#book.forget(state)
      return [
        this.#commits.store([{ kind: 'remove-app', appId: state.record.id }]),
        { kind: 'log', level: 'info', message: 'the app is deleted', fields: { appId: state.record.id } },
      ]
    }
    if (stop.length === 0) {
      state.isDeployed ||= waitingOf(state, this.#connection, now) === undefined
      return []
    }
    const stopping = stop.map(instance => ({ ...instance, goal: 'stop' as const }))
    for (const instance of stopping) this.#book.adopt(state, instance)
    // The goal is stored before the kill, so that after a restart no other instance is chosen in addition.
    const kills = stopping
      .filter(({ taskId }) => !this.#accepting.has(taskId))
      .map(({ taskId }) => this.#kill(taskId, now))
    return [
      this.#commits.store(
        stopping.map(instance => ({ kind: 'put-instance', instance })),
        kills,
      ),
      ...stopping.map(instance => log('info', 'stopping an instance', instance)),
    ]
  }

  /** Orders that have not been followed are given again. */
  #killDue(now: Millis): Command[] {
    const due = this.#kills.due(now).filter(taskId => !this.#accepting.has(taskId))
    return due.map(taskId => this.#kill(taskId, now))
  }

  #kill(taskId: string, now: Millis): Command {
    this.#kills.ordered(taskId, now)
    const found = this.#book.find(taskId)
    const graceSeconds = found?.state?.app.taskKillGracePeriodSeconds
    const graceMs = graceSeconds === undefined ? undefined : graceSeconds * 1000
    return { kind: 'kill', taskId, agentId: found?.instance.agentId, graceMs }
  }
}

function log(
  level: 'info' | 'warn',
  message: string,
  { appId, taskId, agentId }: InstanceRecord,
): Extract<Command, { kind: 'log' }> {
  return { kind: 'log', level, message, fields: { appId, taskId, agentId } }
}
