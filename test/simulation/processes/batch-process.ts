import type { StoreEntry } from '@tender/sdk/runtime'
import type { Accepted, ErrorCode, Reply, TaskStatus } from '@tender/sdk/protocol'
import { isTerminal, Resources } from '@tender/sdk/values'
import { type Offer, operationToWire } from '#sdk/scheduler/calls.js'
import { choose } from '#sdk/scheduler/matching.js'
import type { BatchPlan } from '../plan/plan.js'
import { Bucket } from '../world/bucket.js'
import { Chance } from '../world/chance.js'
import { keyOf } from '../world/facts.js'
import type { Outcome } from '../world/store.js'
import type { World } from '../world/world.js'
import { Journal } from './journal.js'
import { SchedulerProcess } from './scheduler-process.js'

/** What a job is: a task that is to be FINISHED once, or one that runs until it is killed. */
export interface JobPlan {
  /** When it is first wanted. */
  readonly fromMs: number
  readonly resources: string
  readonly ports: number
  readonly durationMs: number
  /** Killed so long after that. */
  readonly killAfterMs?: number
  /** Its first attempts fail. */
  readonly failures: number
}

interface Job {
  readonly number: number
  attempt: number
  /** `active`: a task of this attempt may exist. */
  state: 'planned' | 'idle' | 'active' | 'done'
  agentId: string | undefined
  killed: boolean
  // What follows is not stored.
  isAccepting: boolean
  isHeardOf: boolean
  isUnknownSinceMs: number | undefined
}

/** It is not known whether the tasks were launched. */
const unsureCodes: readonly (ErrorCode | undefined)[] = ['timeout', 'closed']
const unknownForMs = 60_000

/** A small scheduler as an author might write it: each of its jobs is to be done once, whatever happens. */
export class BatchProcess extends SchedulerProcess {
  readonly role: string
  readonly #plans: readonly JobPlan[]
  readonly #bucket: Bucket
  readonly #chance: Chance
  #jobs: Job[] = []
  #journal: Journal | undefined
  #isSuppressed = false
  /** The SDK does not know yet what an earlier life has launched and killed. */
  #isFresh = true

  constructor(world: World, { frameworkId, role, jobs }: BatchPlan) {
    super(world, frameworkId, { frameworkId, name: frameworkId, roles: [role] })
    this.role = role
    this.#plans = jobs
    this.#bucket = new Bucket(frameworkId)
    this.#chance = new Chance(world.seed, `batch ${frameworkId}`)
  }

  /** Those that are not done. */
  get undone(): string[] {
    return this.#jobs
      .filter(({ state }) => state !== 'done')
      .map(job => `${this.#taskId(job)} is ${job.state}${job.isAccepting ? ', accepting' : ''}`)
  }

  /** Tasks that may run. */
  get wantedKeys(): string[] {
    const { frameworkId } = this
    return this.#jobs
      .filter(({ state }) => state === 'active')
      .map(job => keyOf({ frameworkId, taskId: this.#taskId(job) }))
  }

  protected override onStart(): void {
    super.onStart()
    this.#isFresh = true
    this.#load()
  }

  #load(): void {
    this.world.store.ask(this.connection, this.#bucket, {
      timeoutMs: 5_000,
      work: (bucket, now) => bucket.list(now),
      done: this.whenAlive((outcome: Outcome<StoreEntry[]>) => {
        if (outcome.kind !== 'done') return this.#load()
        const stored = new Map(
          outcome.value.map(({ key, value }) => [key, JSON.parse(value) as Partial<Job>]),
        )
        this.#jobs = this.#plans.map((_, number) => ({
          number,
          attempt: 1,
          state: 'planned',
          agentId: undefined,
          killed: false,
          isUnknownSinceMs: undefined,
          ...stored.get(`job.${number}`),
          isAccepting: false,
          isHeardOf: false,
        }))
        this.#journal = new Journal({
          store: this.world.store,
          bucket: this.#bucket,
          connection: this.connection,
          after: (delayMs, act) => this.after(delayMs, act),
          whenAlive: act => this.whenAlive(act),
        })
        this.#isSuppressed = false
        this.subscribe([])
        this.every(1_000, () => this.#look())
      }),
    })
  }

  protected override onSubscribed(): void {
    this.#isSuppressed = false
    if (!this.#isFresh) return
    this.#isFresh = false
    const active = this.#jobs.filter(({ state }) => state === 'active')
    const tasks = active.map(job => ({
      taskId: this.#taskId(job),
      ...(job.agentId ? { agentId: job.agentId } : {}),
    }))
    if (tasks.length > 0) this.call('reconcile', { tasks })
    for (const job of active) if (job.killed) this.#kill(this.#taskId(job))
  }

  protected override onDisconnected(): void {}

  protected override onFailed(_code: ErrorCode, _message: string): void {
    this.crash()
    this.world.supervise(this)
  }

  protected override onOffers(offers: readonly Offer[]): void {
    const idle = this.#jobs.filter(({ state }) => state === 'idle')
    const unused: Offer[] = []
    for (const offer of offers) {
      let left = offer.resources
      const placed: { job: Job; resources: Resources }[] = []
      while (idle[0] && placed.length < 3) {
        const plan = this.#plan(idle[0])
        const placement = choose(left, { resources: Resources.parse(plan.resources), ports: plan.ports })
        const job = placement && idle.shift()
        if (!placement || !job) break
        left = left.minus(placement.resources)
        placed.push({ job, resources: placement.resources })
      }
      if (placed.length === 0) unused.push(offer)
      else this.#launch(offer, placed)
    }
    if (unused.length > 0) {
      const refuseMs = this.#chance.integer(0, 5) * 1_000
      this.call('decline', { offerIds: unused.map(({ offerId }) => offerId), filter: { refuseMs } })
    }
    const wantsNothing = !this.#jobs.some(({ state }) => state === 'idle')
    if (!wantsNothing || this.#isSuppressed) return
    this.#isSuppressed = true
    this.call('suppress', {})
  }

  #launch(offer: Offer, placed: readonly { job: Job; resources: Resources }[]): void {
    const { frameworkId } = this
    const tasks = placed.map(({ job, resources }) => {
      job.state = 'active'
      job.agentId = offer.agentId
      job.isAccepting = true
      const plan = this.#plan(job)
      const exitCode = job.attempt <= plan.failures ? 1 : 0
      const shell = plan.killAfterMs === undefined ? `work ${plan.durationMs} ${exitCode}` : 'serve'
      return { taskId: this.#taskId(job), resources, shell }
    })
    const jobs = placed.map(({ job }) => job)
    // Written down before it is asked for: after a restart it is known what may exist.
    this.#store(jobs, () => {
      for (const { taskId } of tasks)
        this.world.tell({ kind: 'launch-asked', key: keyOf({ frameworkId, taskId }) })
      const body = { offerIds: [offer.offerId], operations: [operationToWire({ launch: tasks })] }
      this.call('accept', body, reply => this.#answered(jobs, reply))
    })
  }

  #answered(jobs: readonly Job[], reply: Reply): void {
    for (const job of jobs) job.isAccepting = false
    if (reply.ok) {
      for (const result of (reply.result as Accepted).tasks) {
        const job = jobs.find(each => this.#taskId(each) === result.taskId)
        if (job && !result.ok) this.#again(job)
      }
      return
    }
    // The SDK finds out, and an update says so.
    if (unsureCodes.includes(reply.code)) return
    for (const job of jobs) this.#again(job)
  }

  protected override onUpdate(status: TaskStatus, done: () => void): void {
    const job = this.#jobs.find(each => this.#taskId(each) === status.taskId && each.state === 'active')
    if (!job) {
      if (!isTerminal(status.state) && status.state !== 'UNKNOWN') this.#kill(status.taskId)
      return done()
    }
    job.isHeardOf = true
    if (status.state !== 'UNKNOWN') job.isUnknownSinceMs = undefined
    else job.isUnknownSinceMs ??= this.now()
    if (!isTerminal(status.state)) return done()
    const isDone = status.state === 'FINISHED' || (status.state === 'KILLED' && job.killed)
    if (isDone) job.state = 'done'
    else this.#next(job)
    this.#store([job], done)
    if (!isDone) this.#want()
  }

  /** It was not launched, or has failed: another task is to do it. */
  #again(job: Job): void {
    this.#next(job)
    this.#store([job], () => {})
    this.#want()
  }

  #next(job: Job): void {
    job.state = 'idle'
    job.attempt++
    job.agentId = undefined
    job.killed = false
    job.isHeardOf = false
    job.isUnknownSinceMs = undefined
  }

  #want(): void {
    this.#isSuppressed = false
    this.call('revive', {})
  }

  /** Once a second: what is new is wanted, what has had its time is killed. */
  #look(): void {
    const now = this.now()
    const virtualMs = this.world.timeline.now
    const isNew = (job: Job) => job.state === 'planned' && this.#plan(job).fromMs <= virtualMs
    const added = this.#jobs.filter(isNew)
    for (const job of added) job.state = 'idle'
    if (added.length > 0) this.#want()
    for (const job of this.#jobs) {
      if (job.state !== 'active' || job.isAccepting) continue
      const isLost = job.isUnknownSinceMs !== undefined && now >= job.isUnknownSinceMs + unknownForMs
      if (isLost) {
        this.#again(job)
        continue
      }
      const { fromMs, killAfterMs = Infinity } = this.#plan(job)
      if (job.killed || !job.isHeardOf || virtualMs < fromMs + killAfterMs) continue
      job.killed = true
      this.#store([job], () => this.#kill(this.#taskId(job)))
    }
  }

  #kill(taskId: string): void {
    this.world.tell({ kind: 'kill-asked', key: keyOf({ frameworkId: this.frameworkId, taskId }) })
    this.call('kill', { taskId })
  }

  #store(jobs: readonly Job[], done: () => void): void {
    this.burn('store')
    this.#journal?.commit(
      jobs.map(({ number, attempt, state, agentId, killed }) => ({
        key: `job.${number}`,
        value: JSON.stringify({ attempt, state, agentId, killed }),
      })),
      done,
    )
  }

  #plan(job: Job): JobPlan {
    const plan = this.#plans[job.number]
    if (!plan) throw new RangeError(`no job ${job.number}`)
    return plan
  }

  #taskId(job: Job): string {
    return `${this.frameworkId}.${job.number}.${job.attempt}`
  }
}
