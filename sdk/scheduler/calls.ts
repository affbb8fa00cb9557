import type { ConstraintGroups } from '../protocol/constraint.js'
import type { Demand as WireDemand } from '../protocol/demand.js'
import type {
  FrameworkInfo,
  LaunchResult,
  OfferConstraints,
  Operation as WireOperation,
  OperationResult,
} from '../protocol/framework.js'
import type { Filter, Offer as WireOffer } from '../protocol/offer.js'
import type { TaskInfo } from '../protocol/task.js'
import { Resources } from '../values/resources.js'

/** Resources of one agent, offered to this framework in one role. */
export type Offer = Omit<WireOffer, 'resources'> & { readonly resources: Resources }

/** A task to launch. Resources may be given as text: `'cpus:0.5;mem:64'`. */
export type Task = Omit<TaskInfo, 'resources'> & { readonly resources: Resources | string }

/** So many tasks of one shape are wanted. */
export interface Shape {
  readonly count: number
  /** What one of them takes; `ports:2` is two ports of the agent's choice. */
  readonly resources: Resources | string
  /** Where they may run: on agents that meet one of these groups. */
  readonly constraints?: ConstraintGroups
}

/** What is wanted in one role, in place of what was wanted before; without `shapes`, whole remainders of agents. */
export interface Demand {
  readonly role: string
  readonly shapes?: readonly Shape[] | undefined
}

/**
 * One thing to do with offers. Resources are named as they are to be: `{ reserve: 'cpus(web,dynamic):1' }` takes it from
 * what is not reserved, `{ create: 'disk(web,dynamic)[db:/data]:100' }` from reserved disk.
 */
export type Operation =
  | { readonly launch: readonly Task[] }
  | { readonly reserve: Resources | string }
  | { readonly unreserve: Resources | string }
  | { readonly create: Resources | string }
  | { readonly destroy: Resources | string }

/** What to do with the offers that are accepted. */
export interface Acceptance {
  /** Done in this order; each sees what those before it have made. */
  readonly operations: readonly Operation[]
  /** Do all of it, or nothing at all and leave the offers standing; else each is done for itself. */
  readonly allOrNothing?: boolean
  /** For what is left over. */
  readonly filter?: Filter
  /** What is wanted when this is done, declared in the same moment: no offer is made in between. */
  readonly demands?: readonly Demand[]
}

/** What became of an acceptance, each in order: of every task, and of every operation that is no launch. */
export interface AcceptResult {
  readonly tasks: readonly LaunchResult[]
  readonly operations: readonly OperationResult[]
}

/** What a framework may tell anew while it is subscribed; each that is left out stays as it is. */
export interface FrameworkFacts {
  readonly framework?: Omit<FrameworkInfo, 'frameworkId'>
  readonly suppressedRoles?: readonly string[]
  readonly offerConstraints?: OfferConstraints
}

export function offerFromWire(offer: WireOffer): Offer {
  return { ...offer, resources: Resources.fromWire(offer.resources) }
}

export function operationToWire(operation: Operation): WireOperation {
  if ('launch' in operation) return { kind: 'launch', tasks: operation.launch.map(taskToWire) }
  if ('reserve' in operation) return { kind: 'reserve', resources: resourcesToWire(operation.reserve) }
  if ('unreserve' in operation) return { kind: 'unreserve', resources: resourcesToWire(operation.unreserve) }
  if ('create' in operation) return { kind: 'create', resources: resourcesToWire(operation.create) }
  return { kind: 'destroy', resources: resourcesToWire(operation.destroy) }
}

export function demandToWire({ role, shapes }: Demand): WireDemand {
  if (!shapes) return { role }
  return { role, shapes: shapes.map(shape => ({ ...shape, resources: resourcesToWire(shape.resources) })) }
}

function taskToWire(task: Task): TaskInfo {
  return { ...task, resources: resourcesToWire(task.resources) }
}

function resourcesToWire(resources: Resources | string): TaskInfo['resources'] {
  return (typeof resources === 'string' ? Resources.parse(resources) : resources).toWire()
}
