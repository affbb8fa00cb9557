import type { Step } from './steps.js'
import type { World } from './world.js'

export type Expectation = Extract<Step, { kind: `expect${string}` }>

/** What changes the cluster, or its time. */
type Deed = Exclude<Step, Expectation | { kind: 'forget' }>

export function isExpectation(step: Step): step is Expectation {
  return step.kind.startsWith('expect')
}

/** Does what a step says, one line a kind. @throws StepRefused */
export function perform(world: World, step: Deed): void {
  switch (step.kind) {
    case 'agent':
      return world.setAgent(step.value)
    case 'removeAgent':
      return world.removeAgent(step.value.id)
    case 'deactivateAgent':
      return world.deactivateAgent(step.value.id)
    case 'reactivateAgent':
      return world.reactivateAgent(step.value.id)
    case 'drain':
      return world.drain(step.value)
    case 'framework':
      return world.setFramework(step.value)
    case 'deactivate':
      return world.deactivate(step.value.id)
    case 'activate':
      return world.activate(step.value.id)
    case 'removeFramework':
      return world.removeFramework(step.value.id)
    case 'advance':
      return advance(world, world.nowMs + step.value)
    case 'allocate':
      return world.tickNow()
    case 'accept':
      return world.accept(step.value)
    case 'decline':
      return world.decline(step.value)
    case 'release':
      return world.release(step.value)
    case 'revive':
      return world.revive(step.value)
    case 'suppress':
      return world.suppress(step.value)
    case 'unsuppress':
      return world.unsuppress(step.value)
    case 'clearFilters':
      return world.clearFilters(step.value)
    case 'demand':
      return world.demand(step.value)
    case 'weight':
      return world.setWeight(step.value)
    case 'quota':
      return world.setQuota(step.value)
    case 'reserve':
      return world.reserve(step.value)
    case 'unreserve':
      return world.unreserve(step.value)
    case 'createVolume':
      return world.createVolume(step.value)
    case 'destroyVolume':
      return world.destroyVolume(step.value)
    case 'whitelist':
      return world.setWhitelist(step.value)
    case 'maintenance':
      return world.maintain(step.value)
  }
}

/** Instant by instant: what is due happens in its order, the end included. */
function advance(world: World, targetMs: number): void {
  for (let dueMs = world.nextDueMs(); dueMs !== undefined && dueMs <= targetMs; dueMs = world.nextDueMs()) {
    if (dueMs <= world.nowMs) throw new Error(`time stands still: due at ${dueMs}, now ${world.nowMs}`)
    world.advanceTo(dueMs)
  }
  if (world.nowMs < targetMs) world.advanceTo(targetMs)
}
