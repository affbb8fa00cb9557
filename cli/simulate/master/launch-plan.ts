import { Resources } from '@tender/sdk/values'
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

/** What is launched on the offers of a group. */
export interface LaunchPlan {
  readonly group: OfferGroup
  readonly tasks: readonly { readonly task: string | undefined; readonly resources: Resources }[]
}

/**
 * Which task goes where: a task that names no agent goes to the first offers that still hold it.
 * @throws StepRefused when one finds no place; then nothing has been done
 */
export function planLaunches(
  groups: readonly OfferGroup[],
  launch: StepValue<'accept'>['launch'],
): readonly LaunchPlan[] {
  if (launch === 'all') {
    return groups.map(group => ({
      group,
      tasks: group.offers.map(({ resources }) => ({ task: undefined, resources })),
    }))
  }
  const plans = groups.map(group => ({
    group,
    tasks: [] as LaunchPlan['tasks'][number][],
    rest: group.resources,
  }))
  const taskIds = new Set<string>()
  for (const { task, resources: text, agent } of launch) {
    if (task !== undefined && taskIds.has(task)) {
      throw new StepRefused('duplicate-task', `a task id is used once; ${task} is twice in this accept`)
    }
    if (task !== undefined) taskIds.add(task)
    const resources = Resources.parse(text)
    const possible = plans.filter(({ group }) => (agent ?? group.agent) === group.agent)
    const plan = possible.find(({ rest }) => rest.contains(resources))
    if (!plan) {
      const left = possible.map(({ group, rest }) => `${String(rest) || 'nothing'} of agent ${group.agent}`)
      const problem = `a task asks for ${text} where ${left.join(', ') || 'nothing'} is left of the offers`
      throw new StepRefused('insufficient-resources', problem)
    }
    plan.tasks.push({ task, resources })
    plan.rest = plan.rest.minus(resources)
  }
  return plans
}

/**
 * One task with all but what is given back.
 * @throws StepRefused when the offers are of several agents or roles, or do not hold it
 */
export function restOf(groups: readonly OfferGroup[], back: Resources): LaunchPlan {
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
  return { group, tasks: rest.isEmpty ? [] : [{ task: undefined, resources: rest }] }
}
