import { Resources } from '@tender/sdk/values'
import type { Claim, Grant } from '../../../master/allocator/types.js'
import { isNotShared, isShared } from '../../support/reference-allocator/amounts.js'
import type { ComparedAllocator } from '../../support/reference-allocator/compared-allocator.js'
import type { ReferenceAllocator } from '../../support/reference-allocator/reference-allocator.js'

/** What one cycle offers, in whichever order it is told within one agent. */
export function compareGrants(expected: readonly Grant[], got: readonly Grant[]): void {
  const texts = (grants: readonly Grant[]) => grants.map(textOf).toSorted()
  same('what is offered', texts(got).join('\n'), texts(expected).join('\n'))
}

/** Whatever is known between two cycles. */
export function compareBooks(
  model: ReferenceAllocator,
  real: ComparedAllocator,
  roles: readonly string[],
): void {
  for (const agentId of model.books.agents.keys()) {
    same(`total('${agentId}')`, String(real.total(agentId)), String(model.total(agentId)))
    same(`free('${agentId}')`, String(real.free(agentId)), String(model.free(agentId)))
    compareHeld(model, real, { agentId })
    expectNothingLost(real, agentId)
  }
  const holders = new Map(
    model.books.entries.map(entry => [`${entry.frameworkId}@${entry.role} ${entry.agentId}`, entry]),
  )
  for (const { agentId, frameworkId, role } of holders.values())
    compareHeld(model, real, { agentId, frameworkId, role })
  same('roleOrder()', real.roleOrder().join(), model.roleOrder().join())
  for (const role of roles) {
    same(`frameworkOrder('${role}')`, real.frameworkOrder(role).join(), model.frameworkOrder(role).join())
    if (real.roleShare(role) !== undefined)
      near(`roleShare('${role}')`, real.roleShare(role), model.roleShare(role))
  }
  for (const { facts } of model.frameworks.values()) {
    const { frameworkId } = facts
    for (const role of facts.roles) {
      const [got, expected] = [real, model].map(each => each.frameworkShare(role, frameworkId))
      near(`frameworkShare('${role}', '${frameworkId}')`, got, expected)
      const [is, shouldBe] = [real, model].map(each => JSON.stringify(each.demand(frameworkId, role)))
      same(`demand('${frameworkId}', '${role}')`, is, shouldBe)
    }
  }
  if (model.quotas.size === 0) return
  for (const { isTask, frameworkId, role, agentId, resources } of model.books.entries) {
    if (isTask) continue
    const claim = { frameworkId, role, agentId, resources }
    same(
      `standsInTheWay(${textOf(claim)})`,
      String(real.standsInTheWay(claim)),
      String(model.standsInTheWay(claim)),
    )
  }
}

type Whose = { agentId: string; frameworkId?: string; role?: string }

function compareHeld(model: ComparedAllocator, real: ComparedAllocator, whose: Whose): void {
  const [got, expected] = [real.held(whose), model.held(whose)]
  same(`held(${JSON.stringify(whose)}).offered`, heldText(got.offered), heldText(expected.offered))
  same(`held(${JSON.stringify(whose)}).allocated`, heldText(got.allocated), heldText(expected.allocated))
}

/** Of a shared volume only that it is held: by how many is nobody's business. */
function heldText(resources: Resources): string {
  return `${String(resources.only(isNotShared))} ${resources.only(isShared).keys().join(';')}`
}

/** free + offered + allocated = total; when tasks hold more than there is, nothing of that is free. */
function expectNothingLost(real: ComparedAllocator, agentId: string): void {
  const total = real.total(agentId).only(isNotShared)
  const { offered, allocated } = real.held({ agentId })
  const held = Resources.sum([offered, allocated]).only(isNotShared)
  const free = real.free(agentId).only(isNotShared)
  if (!free.equals(total.except(held)))
    throw new Error(
      `of ${agentId}, '${String(free)}' is free and '${String(held)}' is held; in total there is '${String(total)}'`,
    )
}

function textOf({ agentId, frameworkId, role, resources }: Claim): string {
  return `${agentId} to ${frameworkId}@${role}: '${String(resources)}'`
}

function same(what: string, got: string | undefined, expected: string | undefined): void {
  if (got !== expected) throw new Error(`${what} is\n${got}\nbut should be\n${expected}`)
}

function near(what: string, got: number | undefined, expected: number | undefined): void {
  const isNear =
    got !== undefined && expected !== undefined && Math.abs(got - expected) <= 1e-9 * (1 + expected)
  if (!isNear) same(what, String(got), String(expected))
}
