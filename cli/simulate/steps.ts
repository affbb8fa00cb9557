import { minAllocatableByRole, quantity, resources, someResources } from './amounts.js'
import { constraintGroups, offerConstraints } from './constraints.js'
import {
  expectedFree,
  expectedHeld,
  expectedInverseOffers,
  expectedMetric,
  expectedOffers,
  expectedOrder,
  expectedReason,
  expectedShares,
} from './expected.js'
import {
  attribute,
  boolean,
  durationMs,
  justTrue,
  knownId,
  listOf,
  mapOf,
  newId,
  number,
  oneOf,
  optional,
  type Read,
  recordOf,
  required,
  role,
  taskId,
  text,
  type Value,
  wholeNumber,
  wordFor,
  wordOr,
} from './readers.js'

const agent = knownId('agents')
const framework = knownId('frameworks')
const roles = listOf(role, 'a list of roles')
const allRoles = wordFor('all', undefined, listOf(role, 'all or a list of roles'))

/** `none` is a filter of no time. */
const refuseMs = wordFor('none', 0, durationMs)

const weight: Read<number> = (node, place) => {
  const value = number(node, place)
  return value > 0 || place.context.mayBeRefused ? value : place.mustBe(node, 'a number above 0')
}

const capabilities = ['gpu', 'revocable', 'shared', 'refinement', 'region'] as const

/** One key of a map says which; e.g. `{ reserve: 'cpus(role1):2' }`. */
const operationKinds = ['reserve', 'unreserve', 'create', 'destroy'] as const
export interface Operation {
  readonly kind: (typeof operationKinds)[number]
  readonly resources: string
}
const operation: Read<Operation> = (node, place) => {
  const only = `a map of one of ${operationKinds.join(', ')}`
  const [entry, other] = node.kind === 'map' ? node.entries : []
  const kind = operationKinds.find(each => each === entry?.key)
  if (!entry || other || kind === undefined) return place.mustBe(node, only)
  return { kind, resources: someResources(entry.value, place.key(kind)) }
}

const launch = mapOf({ task: optional(taskId), resources: required(someResources), agent: optional(agent) })

const offers = wordFor('all', undefined, listOf(agent, 'all or a list of agents'))

const shape = mapOf({
  count: required(wholeNumber(0)),
  resources: required(someResources),
  constraints: optional(constraintGroups),
})
export type Shape = Value<typeof shape>

/** A step that names nothing but an id may be just the id. */
function idOr<T extends { readonly id: string }>(
  read: Read<string>,
  map: Read<T>,
  bare: (id: string) => T,
): Read<T> {
  return (node, place) => (node.kind === 'scalar' ? bare(read(node, place)) : map(node, place))
}

const justAgent = idOr(agent, mapOf({ id: required(agent) }), id => ({ id }))
const justFramework = idOr(framework, mapOf({ id: required(framework) }), id => ({ id }))
const ofRoles = mapOf({ framework: required(framework), roles: optional(allRoles) })
const onAgent = mapOf({
  agent: required(agent),
  resources: required(someResources),
  framework: optional(framework),
})

/** Each kind of step, and what its value is. */
export const steps = {
  agent: mapOf({
    id: required(newId('agents')),
    resources: required(resources),
    attributes: optional(recordOf(attribute), {}),
    domain: optional(mapOf({ region: optional(text), zone: optional(text) })),
    hostname: optional(text),
    used: optional(
      listOf(
        mapOf({
          framework: required(newId('frameworks')),
          role: required(role),
          resources: required(someResources),
          task: optional(taskId),
        }),
      ),
      [],
    ),
  }),
  removeAgent: justAgent,
  framework: mapOf({
    id: required(newId('frameworks')),
    roles: required(roles),
    suppressed: optional(roles, []),
    active: optional(boolean, true),
    capabilities: optional(listOf(oneOf(capabilities)), []),
    minAllocatable: optional(minAllocatableByRole),
    offerConstraints: optional(offerConstraints),
  }),
  deactivate: justFramework,
  activate: justFramework,
  removeFramework: justFramework,
  advance: durationMs,
  allocate: justTrue,
  accept: mapOf({
    framework: required(framework),
    offers: optional(offers),
    role: optional(role),
    operations: optional(listOf(operation), []),
    launch: optional(wordOr('all', listOf(launch, 'all or a list of {task, resources, agent}')), []),
    refuse: optional(refuseMs),
  }),
  decline: mapOf({
    framework: required(framework),
    offers: optional(offers),
    role: optional(role),
    resources: optional(resources),
    refuse: optional(refuseMs),
  }),
  release: mapOf({
    framework: required(framework),
    agent: required(agent),
    task: optional(taskId),
    resources: optional(someResources),
    role: optional(role),
  }),
  revive: ofRoles,
  suppress: ofRoles,
  unsuppress: ofRoles,
  clearFilters: ofRoles,
  demand: mapOf({
    framework: required(framework),
    role: required(role),
    shapes: required(wordOr('none', listOf(shape, 'none or a list of {count, resources, constraints}'))),
  }),
  weight: mapOf({ role: required(role), weight: required(weight) }),
  quota: mapOf({
    role: required(role),
    guarantee: optional(quantity),
    limit: optional(quantity),
    force: optional(boolean, false),
  }),
  reserve: onAgent,
  unreserve: onAgent,
  createVolume: onAgent,
  destroyVolume: onAgent,
  whitelist: wordOr('all', listOf(text, 'all or a list of hostnames')),
  maintenance: mapOf({
    agents: required(listOf(agent)),
    start: required(durationMs),
    duration: optional(durationMs),
  }),
  deactivateAgent: justAgent,
  reactivateAgent: justAgent,
  drain: idOr(agent, mapOf({ id: required(agent), grace: optional(durationMs) }), id => ({
    id,
    grace: undefined,
  })),
  expect: expectedOffers,
  expectInverse: expectedInverseOffers,
  forget: justTrue,
  expectOrder: expectedOrder,
  expectShares: expectedShares,
  expectMetric: expectedMetric,
  expectExplain: expectedReason,
  expectFree: expectedFree,
  expectOffered: expectedHeld,
  expectAllocated: expectedHeld,
  expectError: text,
}

export type StepKind = keyof typeof steps

/** What a step of this kind says. */
export type StepValue<K extends StepKind> = Value<(typeof steps)[K]>

/** One step of a scenario, read and checked. */
export type Step = {
  [K in StepKind]: {
    readonly kind: K
    /** Of its key in the file. */
    readonly line: number
    readonly value: StepValue<K>
    /** The value as it stands in the file. */
    readonly written: unknown
  }
}[StepKind]
