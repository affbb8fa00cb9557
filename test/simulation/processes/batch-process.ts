import type { StoreEntry } from '@tender/sdk/runtime'
import type { Accepted, Demand, ErrorCode, Reply, TaskStatus } from '@tender/sdk/protocol'
import { isTerminal, kindOf, Resources } from '@tender/sdk/values'
import { demandToWire, type Offer, type Operation, operationToWire } from '#sdk/scheduler/calls.js'
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
  /** On a volume of its own, if its framework's role can have some. */
  readonly hasVolume?: boolean
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
const volumeMb = 10

/** A small scheduler as an author might write it: each of its jobs is to be done once, whatever happens. */
export class BatchProcess extends SchedulerProcess {
  readonly role: string
  readonly #usesDemand: boolean
  readonly #hopeless: number
  readonly #plans: readonly JobPlan[]
  readonly #bucket: Bucket
  readonly #chance: Chance
  #jobs: Job[] = []
  #journal: Journal | undefined
  #isSuppressed = false
  /** The SDK does not know yet what an earlier life has launched and killed. */
  #isFresh = true

  constructor(world: World, { frameworkId, role, usesDemand, hopeless, jobs }: BatchPlan) {
    super(world, frameworkId, { frameworkId, name: frameworkId, roles: [role] })
    this.role = role
    this.#usesDemand = usesDemand
    this.#hopeless = hopeless
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

  /** It would take an offer. */
  get isWaiting(): boolean {
    return !this.#isSuppressed && this.#jobs.some(({ state }) => state === 'idle')
  }

  /** What it has last said. */
  get isSuppressed(): boolean {
    return this.#isSuppressed
  }

  /** What it wants still; none unless it declares that. */
  get demands(): Demand[] {
    if (!this.#usesDemand) return []
    const counts = new Map<string, number>()
    if (this.#hopeless > 0) counts.set('cpus:100', this.#hopeless)
    for (const job of this.#jobs) {
      if (job.state !== 'idle') continue
      const { resources, ports } = this.#plan(job)
      const shape = ports > 0 ? `${resources};ports:${ports}` : resources
      counts.set(shape, (counts.get(shape) ?? 0) + 1)
    }
    const shapes = [...counts].map(([resources, count]) => ({ count, resources }))
    return [demandToWire({ role: this.role, shapes })]
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
        this.subscribe([], this.demands)
        this.every(1_000, () => this.#look())
      }),
    })
  }

  protected override onSubscribed(): void {
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
      const old = this.#unusedVolumes(offer)
      if (!old.isEmpty) {
        this.#destroy(offer, old)
        continue
      }
      const [next] = idle
      if (next && this.#mayHaveVolume(next) && this.#launchOnVolume(offer, next)) {
        idle.shift()
        continue
      }
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

  #mayHaveVolume(job: Job): boolean {
    return this.role !== '*' && !this.#usesDemand && this.#plan(job).hasVolume === true
  }

  /** Reserves disk, makes a volume of it and launches the job on that, all in one. */
  #launchOnVolume(offer: Offer, job: Job): boolean {
    const plan = this.#plan(job)
    const need = { resources: Resources.parse(plan.resources), ports: plan.ports }
    const placement = choose(offer.resources, need)
    if (!placement || offer.resources.thousandths('disk') < volumeMb * 1_000) return false
    const volumeId = this.#taskId(job)
    const reserved = Resources.parse(`disk(${this.role},dynamic):${volumeMb}`)
    const volume = Resources.fromWire({ [`disk(${this.role},dynamic)[${volumeId}:/data]`]: volumeMb })
    this.#launch(offer, [{ job, resources: placement.resources.plus(volume) }], {
      before: [{ reserve: reserved }, { create: volume }],
      volumeId,
    })
    return true
  }

  /** Of its own, whose task has ended. */
  #unusedVolumes(offer: Offer): Resources {
    const used = new Set(this.#jobs.filter(({ state }) => state === 'active').map(job => this.#taskId(job)))
    return offer.resources.only(({ volume }) => {
      const id = volume?.id ?? ''
      return id.startsWith(`${this.frameworkId}.`) && !used.has(id)
    })
  }

  #destroy(offer: Offer, volumes: Resources): void {
    const { agentId, offerId } = offer
    for (const key of volumes.keys())
      this.world.tell({ kind: 'volume-unwanted', agentId, volumeId: kindOf(key).volume?.id ?? '' })
    const amount = volumes.quantities().get('disk') ?? 0
    const unreserve = Resources.parse(`disk(${this.role},dynamic):${amount / 1_000}`)
    const operations = [{ destroy: volumes }, { unreserve }].map(operationToWire)
    this.call('accept', { offerIds: [offerId], operations })
  }

  #launch(
    offer: Offer,
    placed: readonly { job: Job; resources: Resources }[],
    { before, volumeId }: { before: Operation[]; volumeId?: string } = { before: [] },
  ): void {
    const { frameworkId } = this
    const { agentId } = offer
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
      const operations = [...before, { launch: tasks }].map(operationToWire)
      // What is wanted after it is said with it.
      const demands = this.#usesDemand ? { demands: this.demands } : {}
      this.call('accept', { offerIds: [offer.offerId], operations, ...demands }, reply => {
        const isMade = reply.ok && ((reply.result as Accepted).operations ?? []).every(({ ok }) => ok)
        if (volumeId !== undefined && isMade) this.world.tell({ kind: 'volume-made', agentId, volumeId })
        this.#answered(jobs, reply)
      })
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
    if (!this.#usesDemand) return
    this.call('demand', { demands: this.demands }, ({ ok, code }) => {
      if (!ok && code === 'timeout') this.#want()
    })
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
