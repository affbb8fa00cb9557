import { ProtocolError } from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import { type Conversion, type ConversionKind, conversionOf } from '../../../master/core/conversion.js'
import type { OfferRecord } from '../../../master/core/state.js'
import type { StepValue } from '../steps.js'
import { StepRefused } from '../world.js'

/** Offers of one agent and role: an accept takes them as one. */
export interface OfferGroup {
  readonly agent: string
  readonly role: string
  readonly offers: readonly OfferRecord[]
  readonly resources: Resources
}

export interface PlannedOperation {
  readonly kind: ConversionKind
  readonly resources: string
}

/** What is done with the offers of a group: operations in order, then tasks. */
export interface AcceptPlan {
  readonly group: OfferGroup
  readonly operations: readonly PlannedOperation[]
  readonly tasks: readonly { readonly task: string | undefined; readonly resources: Resources }[]
}

interface Draft {
  readonly group: OfferGroup
  readonly operations: PlannedOperation[]
  readonly tasks: AcceptPlan['tasks'][number][]
  rest: Resources
}

/**
 * Which operation and task goes where: one that names no agent goes to the first offers that still hold it.
 * @throws StepRefused when a task finds no place; then nothing has been done
 */
export function planAccept(
  groups: readonly OfferGroup[],
  operations: readonly PlannedOperation[],
  launch: StepValue<'accept'>['launch'],
): readonly AcceptPlan[] {
  const drafts = groups.map((group): Draft => ({ group, operations: [], tasks: [], rest: group.resources }))
  for (const operation of operations) planOperation(drafts, operation)
  if (launch === 'all') for (const draft of drafts) launchAll(draft)
  else planLaunches(drafts, launch)
  return drafts
}

/** What cannot be done is said to the master all the same: it is its to refuse. */
function planOperation(drafts: readonly Draft[], operation: PlannedOperation): void {
  const conversion = conversionIn(operation)
  const draft = drafts.find(({ rest }) => conversion && rest.contains(conversion.from)) ?? drafts[0]
  draft?.operations.push(operation)
  if (draft && conversion && draft.rest.contains(conversion.from))
    draft.rest = draft.rest.minus(conversion.from).plus(conversion.to)
}

function conversionIn({ kind, resources }: PlannedOperation): Conversion | undefined {
  try {
    return conversionOf(kind, Resources.parse(resources).toWire())
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** One task for each offer with all of it; for all of them together where operations have changed what they hold. */
function launchAll(draft: Draft): void {
  const pieces =
    draft.operations.length > 0 ? [draft.rest] : draft.group.offers.map(({ resources }) => resources)
  draft.tasks.push(...pieces.map(resources => ({ task: undefined, resources })))
  draft.rest = Resources.none
}

function planLaunches(drafts: readonly Draft[], launch: Exclude<StepValue<'accept'>['launch'], 'all'>): void {
  const taskIds = new Set<string>()
  for (const { task, resources: text, agent } of launch) {
    if (task !== undefined && taskIds.has(task)) {
      throw new StepRefused('duplicate-task', `a task id is used once; ${task} is twice in this accept`)
    }
    if (task !== undefined) taskIds.add(task)
    const resources = Resources.parse(text)
    const possible = drafts.filter(({ group }) => (agent ?? group.agent) === group.agent)
    const draft = possible.find(({ rest }) => rest.contains(resources))
    if (!draft) {
      const left = possible.map(({ group, rest }) => `${String(rest) || 'nothing'} of agent ${group.agent}`)
      const problem = `a task asks for ${text} where ${left.join(', ') || 'nothing'} is left of the offers`
      throw new StepRefused('insufficient-resources', problem)
    }
    draft.tasks.push({ task, resources })
    // A shared volume stays for the next task.
    draft.rest = draft.rest.minus(resources.only(kind => !kind.isShared))
  }
}

/**
 * One task with all but what is given back.
 * @throws StepRefused when the offers are of several agents or roles, or do not hold it
 */
export function restOf(groups: readonly OfferGroup[], back: Resources): AcceptPlan {
  const [group, other] = groups
  if (!group || other) {
    throw new StepRefused(
      'offers-differ',
      'a part is given back of offers of one agent and role, got several',
    )
  }
  if (!group.resources.contains(back)) {
    const problem = `${String(back)} is given back where ${String(group.resources)} is offered`
    throw new StepRefused('insufficient-resources', problem)
  }
  const rest = group.resources.minus(back)
  return { group, operations: [], tasks: rest.isEmpty ? [] : [{ task: undefined, resources: rest }] }
}
