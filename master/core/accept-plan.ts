import {
  type frameworkToLeader,
  type Infer,
  type LaunchResult,
  type Operation,
  type OperationResult,
  ProtocolError,
  type TaskInfo,
} from '@tender/sdk/protocol'
import { isTerminal, kindOf, Resources } from '@tender/sdk/values'
import { holdsShared } from './offers.js'
import { checkVolumes, type Conversion, conversionOf, type ConversionKind } from './conversion.js'
import { type Agent, type Framework, type MasterState, taskKey } from './state.js'
import { checkTask } from './task-check.js'

type Accept = Infer<typeof frameworkToLeader.accept>

export interface PlannedLaunch {
  readonly info: TaskInfo
  readonly resources: Resources
  /** What of it others of this accept use as well, so that it is not taken from the offers again. */
  readonly alsoUsed: Resources
}

/** Where an accept is carried out. */
export interface AcceptPlace {
  readonly framework: Framework
  readonly agent: Agent
  readonly role: string
  /** What the offers hold together. */
  readonly offered: Resources
}

/**
 * What an accept comes to: each operation and task, in order, against what the ones before it have left of the offers.
 * Nothing is changed by planning.
 */
export class AcceptPlan {
  readonly tasks: LaunchResult[] = []
  readonly operations: OperationResult[] = []
  readonly conversions: Conversion[] = []
  readonly launches: PlannedLaunch[] = []
  /** A shared volume that two of the offers hold is needed once. */
  readonly surplus: Resources
  readonly #state: MasterState
  readonly #place: AcceptPlace
  /** What the next operation may take. Shared volumes stay in it. */
  #left: Resources
  /** What comes back in the end: what nobody has taken. */
  #rest: Resources
  /** The agent's total as the operations so far make it. */
  #total: Resources

  /** @throws ProtocolError the first problem, when all or nothing is asked for */
  constructor(state: MasterState, place: AcceptPlace, body: Accept) {
    this.#state = state
    this.#place = place
    this.#total = place.agent.total
    this.#left = onceEach(place.offered, this.#total)
    this.surplus = place.offered.except(this.#left)
    this.#rest = this.#left
    for (const operation of body.operations) this.#plan(operation, body.allOrNothing ?? false)
  }

  get rest(): Resources {
    return this.#rest
  }

  /** The agent's total when all is done. */
  get total(): Resources {
    return this.#total
  }

  #plan(operation: Operation, allOrNothing: boolean): void {
    const { kind } = operation
    if (kind !== 'launch') {
      const problem = problemOf(() => this.#convert(kind, operation))
      if (problem && allOrNothing) throw problem
      this.operations.push({ kind, ...outcomeOf(problem) })
      return
    }
    for (const info of operation.tasks ?? []) {
      const problem = problemOf(() => this.#launch(info))
      if (problem && allOrNothing) throw problem
      this.tasks.push({ taskId: info.taskId, ...outcomeOf(problem) })
    }
  }

  #convert(kind: ConversionKind, operation: Operation): void {
    const conversion = conversionOf(kind, operation.resources)
    const { from, to } = conversion
    if (kind === 'reserve') this.#checkRole(to)
    checkVolumes(conversion, this.#total)
    if (!this.#left.contains(from)) {
      const rule = `${kind} needs ${String(from)}, of which ${String(this.#left) || 'nothing'} is left of the offers`
      throw new ProtocolError('insufficient-resources', rule)
    }
    if (!this.#total.contains(from)) {
      const rule = `agent ${this.#place.agent.agentId} has changed meanwhile: ${String(from)} is not there any more`
      throw new ProtocolError('insufficient-resources', rule)
    }
    if (kind === 'destroy') this.#checkUsers(from)
    if (kind === 'reserve') this.#checkLimits(conversion)
    this.conversions.push(conversion)
    this.#left = this.#left.minus(from).plus(to)
    this.#rest = this.#rest.minus(from).plus(to)
    this.#total = this.#total.minus(from).plus(to)
  }

  /** For the role of the offer, so that the framework keeps it; a refinement also for a role below. */
  #checkRole(to: Resources): void {
    const { framework, role } = this.#place
    for (const key of to.keys()) {
      const roles = kindOf(key).reservation?.roles ?? [role]
      const last = roles.at(-1) ?? role
      const isRefined = roles.length > 1
      if (last !== role && !(isRefined && last.startsWith(`${role}/`))) {
        const rule = `what is offered to role ${role} is reserved for it${isRefined ? ' or for a role below it' : ''}, got ${key}`
        throw new ProtocolError('invalid-operation', rule)
      }
      if (isRefined && !framework.info.capabilities?.includes('refinement')) {
        const rule = `a framework without the capability refinement holds no refined reservations, got ${key}`
        throw new ProtocolError('invalid-operation', rule)
      }
    }
  }

  /** Together with the reservations before it: each alone may be within a limit that they exceed. */
  #checkLimits({ from, to }: Conversion): void {
    const { role } = this.#place
    const before = this.conversions.filter(({ kind }) => kind === 'reserve')
    const problem = this.#state.allocator.reservationProblem(
      Resources.sum([...before.map(each => each.from), from]),
      Resources.sum([...before.map(each => each.to), to]),
      role,
    )
    if (problem !== undefined) throw new ProtocolError('quota-exceeded', problem)
  }

  #checkUsers(volumes: Resources): void {
    const { agent } = this.#place
    const user = sharedVolumeUser(this.#state, agent.agentId, volumes)
    if (user !== undefined) throw new ProtocolError('resources-in-use', user)
    const own = this.launches.find(({ resources }) => holdsShared(resources, volumes))
    if (own) {
      const rule = `${String(volumes)} is used by task ${own.info.taskId} of this accept`
      throw new ProtocolError('resources-in-use', rule)
    }
  }

  #launch(info: TaskInfo): void {
    const { framework, agent } = this.#place
    checkTaskId(this.#state, framework, info, this.launches)
    const resources = checkTask(info, agent, this.#left)
    const shared = resources.only(kind => kind.isShared)
    const alsoUsed = shared.except(this.#rest)
    this.launches.push({ info, resources, alsoUsed })
    this.#left = this.#left.minus(resources.only(kind => !kind.isShared))
    this.#rest = this.#rest.minus(resources.except(alsoUsed))
  }
}

/** Why these shared volumes cannot go: tasks use them. */
export function sharedVolumeUser(
  state: MasterState,
  agentId: string,
  volumes: Resources,
): string | undefined {
  const user = state.allocator.holders(agentId).find(({ allocated }) => holdsShared(allocated, volumes))
  return user && `${String(volumes)} is used by tasks of framework ${user.frameworkId} in role ${user.role}`
}

function checkTaskId(
  state: MasterState,
  { frameworkId }: Framework,
  { taskId }: TaskInfo,
  launched: readonly PlannedLaunch[],
): void {
  const key = taskKey(frameworkId, taskId)
  const known = state.tasks.get(key) ?? state.endedTasks.get(key)
  const is =
    known === undefined
      ? state.launchingTasks.has(key) && 'is being launched'
      : isTerminal(known.state)
        ? `ended as ${known.state}`
        : `is ${known.state} on agent ${known.agentId}`
  const isTwice = launched.some(({ info }) => info.taskId === taskId) && 'is twice in this accept'
  const problem = is || isTwice
  if (problem) throw new ProtocolError('duplicate-task', `a task id is used once; ${taskId} ${problem}`)
}

/** Each shared volume once, however many of the offers hold it. */
function onceEach(offered: Resources, total: Resources): Resources {
  const shared = offered.only(kind => kind.isShared)
  if (shared.isEmpty) return offered
  const once = Resources.of([...total.entries()].filter(([key]) => shared.get(key) !== undefined))
  return offered.only(kind => !kind.isShared).plus(once)
}

function problemOf(attempt: () => void): ProtocolError | undefined {
  try {
    attempt()
    return undefined
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}

function outcomeOf(problem: ProtocolError | undefined) {
  return problem
    ? { ok: false as const, code: problem.code, message: problem.message }
    : { ok: true as const }
}
