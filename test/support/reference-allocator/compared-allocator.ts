import type {
  AgentCondition,
  AgentFacts,
  Claim,
  FrameworkFacts,
  Grant,
  Holding,
  Quota,
  Shape,
} from '../../../master/allocator/types.js'
import type { Resources } from '@tender/sdk/values'

/** What the allocator and its reference model have in common. */
export interface ComparedAllocator {
  setAgent(facts: AgentFacts): void
  setAgentCondition(agentId: string, condition: AgentCondition): void
  removeAgent(agentId: string): void
  setWhitelist(hostnames: ReadonlySet<string> | undefined): void
  convertFree(agentId: string, from: Resources, to: Resources): void
  convertOffered(claim: Claim, to: Resources): void
  setFramework(facts: FrameworkFacts): void
  deactivateFramework(frameworkId: string): void
  removeFramework(frameworkId: string): void
  suppress(frameworkId: string, roles: readonly string[]): void
  unsuppress(frameworkId: string, roles: readonly string[]): void
  clearFilters(frameworkId: string, roles: readonly string[]): void
  setDemand(frameworkId: string, role: string, shapes: readonly Shape[] | undefined): void
  demand(frameworkId: string, role: string): readonly Shape[] | undefined
  setWeight(role: string, weight: number): void
  setQuota(role: string, quota: Quota | undefined): void
  standsInTheWay(claim: Claim): boolean
  charge(claim: Claim): void
  use(claim: Claim): void
  release(claim: Claim): void
  recover(claim: Claim, refuseUntilMs?: number): void
  total(agentId: string): Resources
  free(agentId: string): Resources
  held(whose: { agentId?: string; frameworkId?: string; role?: string }): Holding
  cycle(now: number): Grant[]
  tick(now: number): Grant[]
  roleOrder(): string[]
  frameworkOrder(role: string): string[]
  roleShare(role: string): number | undefined
  frameworkShare(role: string, frameworkId: string): number | undefined
}
