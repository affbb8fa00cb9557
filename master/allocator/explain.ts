import type { Millis } from '@tender/sdk/runtime'
import {
  fromThousandths,
  isAllocatableTo,
  quantitiesToText,
  reservedRole,
  type Resources,
} from '@tender/sdk/values'
import type { AgentExplanation, Explanation, RoleExplanation } from '../core/view.js'
import type { AgentBook } from './agent-book.js'
import type { Claimant } from './claimant.js'
import { constraintToText, meetsConstraints, unmetConstraint } from './constraints.js'
import { canUse, cutByQuota, filteredFor, hasGpus, withinHeadroom, withinLimits } from './cycle.js'
import { cutTo } from './cut.js'
import { meets, minimumToText } from './minimum.js'
import { type Reason, reasons } from './reasons.js'
import type { RoleNode } from './role-tree.js'
import { compareShares, noShare, setDominant, type Share } from './shares.js'
import type { AllocatorState } from './state.js'
import { addTo, amountOf, type Amounts } from './vectors.js'

interface Answer {
  readonly reason: Reason
  readonly message: string
  readonly figures?: Readonly<Record<string, string>>
  /** What would help, in a sentence. */
  readonly advice?: string
  /** Of reasons that differ in size: how far it is from an offer, as a part of what is wanted. */
  readonly distance?: number
}

/** So many agents are told one by one when none is asked for. */
const listedAgents = 100

/**
 * Why there is no offer: asks the questions of a cycle again, one framework and agent at a time, and names the first that
 * is answered with no. It looks only when somebody asks, so that a cycle pays nothing for it.
 */
export class Explainer {
  readonly #state: AllocatorState
  readonly #now: Millis

  constructor(state: AllocatorState, now: Millis) {
    this.#state = state
    this.#now = now
  }

  explain(
    frameworkId: string,
    options: { readonly role?: string | undefined; readonly agentId?: string | undefined },
  ): Explanation {
    const roles = this.#claimants(frameworkId, options.role).map(claimant =>
      this.#explainRole(claimant, options.agentId),
    )
    return { frameworkId, roles }
  }

  reason(frameworkId: string, role: string | undefined, agentId: string): Reason {
    const agent = this.#state.agents.get(agentId)
    if (!agent) throw new RangeError(`agent ${agentId} is not known`)
    const found = this.#claimants(frameworkId, role).map(claimant => this.#answer(claimant, agent).reason)
    const furthest = Math.max(-1, ...found.map(reason => reasons.indexOf(reason)))
    return reasons[furthest] ?? 'framework-inactive'
  }

  #claimants(frameworkId: string, role: string | undefined): Claimant[] {
    const claimants = [...(this.#state.claimants.frameworks.get(frameworkId)?.claimants.values() ?? [])]
    return claimants
      .filter(claimant => claimant.isMember && (role === undefined || claimant.role === role))
      .toSorted((a, b) => (a.role < b.role ? -1 : 1))
  }

  #explainRole(claimant: Claimant, agentId: string | undefined): RoleExplanation {
    const agents = this.#state
      .sortedAgents()
      .filter(agent => agentId === undefined || agent.agentId === agentId)
    const counts = new Map<Reason, { count: number; example: AgentExplanation; answer: Answer }>()
    const listed: AgentExplanation[] = []
    for (const agent of agents) {
      const answer = this.#answer(claimant, agent)
      const { reason, message, figures = {} } = answer
      const told = { agentId: agent.agentId, hostname: agent.facts.hostname, reason, message, figures }
      if (listed.length < listedAgents) listed.push(told)
      const known = counts.get(reason)
      // The example is the agent that comes closest.
      const isCloser = known && (answer.distance ?? Infinity) < (known.answer.distance ?? Infinity)
      if (!known || isCloser) counts.set(reason, { count: (known?.count ?? 0) + 1, example: told, answer })
      else known.count += 1
    }
    const inOrder = reasons.flatMap(reason => {
      const found = counts.get(reason)
      return found ? [{ reason, ...found }] : []
    })
    const advice = inOrder
      .toReversed()
      .find(({ reason, answer }) => reason !== 'offered' && answer.advice !== undefined)?.answer.advice
    return {
      role: claimant.role,
      agentCount: agents.length,
      funnel: inOrder.map(({ reason, count, example }) => ({ reason, agentCount: count, example })),
      ...(advice === undefined || counts.has('offered') ? {} : { advice }),
      agents: listed,
    }
  }

  #answer(claimant: Claimant, agent: AgentBook): Answer {
    const { offered } = agent.holding(claimant.index)
    if (!offered.isEmpty)
      return {
        reason: 'offered',
        message: `it has an offer of ${String(offered)} now`,
        figures: { offered: String(offered) },
      }
    return (
      this.#ofClaimant(claimant) ??
      ofAgent(agent) ??
      this.#ofUse(claimant, agent) ??
      this.#ofResources(claimant, agent)
    )
  }

  /** What stops the framework whatever the agent. */
  #ofClaimant(claimant: Claimant): Answer | undefined {
    const { framework, role } = claimant
    if (!framework.isSubscribed || !framework.isActive)
      return {
        reason: 'framework-inactive',
        message: 'the framework is not connected',
        advice: 'start the framework, or see why it lost its connection',
      }
    if (claimant.isSuppressed)
      return {
        reason: 'suppressed',
        message: `the framework has suppressed role ${role}`,
        advice: `let the framework unsuppress (or revive) role ${role}`,
      }
    const open = this.#open(claimant)
    if (!open || !claimant.demand?.isMet(open)) return undefined
    const isWanted = claimant.demand?.shapes.some(shape => shape.count > 0)
    return isWanted
      ? {
          reason: 'no-demand',
          message: 'all that it wants stands in offers that it has not answered yet',
          advice: 'let the framework answer its offers',
        }
      : {
          reason: 'no-demand',
          message: 'the framework has declared that it wants nothing',
          advice: `let the framework declare what it wants in role ${role}`,
        }
  }

  #open(claimant: Claimant): readonly number[] | undefined {
    if (!this.#state.settings.demandAware) return undefined
    return claimant.demand?.open()
  }

  #ofUse(claimant: Claimant, agent: AgentBook): Answer | undefined {
    if (!canUse(this.#state, agent, claimant)) {
      const capability =
        hasGpus(this.#state, agent) && !claimant.framework.capabilities.has('gpu') ? 'gpu' : 'region'
      const what =
        capability === 'gpu'
          ? 'the agent has gpus'
          : `the agent is in region ${agent.facts.domain?.region ?? ''}`
      return {
        reason: 'capability',
        message: `${what}, and the framework has not the capability '${capability}'`,
        figures: { capability },
        advice: `subscribe with the capability '${capability}'`,
      }
    }
    if (!meetsConstraints(agent.facts, claimant.constraints)) {
      const unmet = unmetConstraint(agent.facts, claimant.constraints ?? [])
      const text = unmet ? constraintToText(unmet) : 'none'
      return {
        reason: 'constraint',
        message: `the agent does not meet the framework's offer constraint: ${text}`,
        figures: { constraint: text },
        advice: `relax the offer constraint: ${text}`,
      }
    }
    const open = this.#open(claimant)
    if (!open) return undefined
    const wanted = claimant.demand?.shapes.filter((_, index) => (open[index] ?? 0) > 0) ?? []
    if (wanted.some(({ shape }) => meetsConstraints(agent.facts, shape.constraints))) return undefined
    const unmet = unmetConstraint(agent.facts, wanted[0]?.shape.constraints ?? [])
    const text = unmet ? constraintToText(unmet) : 'none'
    return {
      reason: 'constraint',
      message: `the agent does not meet the constraints of any shape that is wanted: ${text}`,
      figures: { constraint: text },
      advice: `relax the shape's constraint: ${text}`,
    }
  }

  /** What it could have if nobody else had an offer of the agent; then what others have. */
  #ofResources(claimant: Claimant, agent: AgentBook): Answer {
    const state = this.#state
    const unused = agent.total.only(kind => !kind.isShared).except(agent.heldInAll('allocated'))
    const shared = agent.shared.except(agent.holding(claimant.index).offered)
    const mine = filteredFor(state, claimant, unused, shared)
    if (!this.#isEnough(claimant, agent, mine)) return this.#tooLittle(claimant, agent, unused, shared, mine)
    const quota = this.#ofQuota(claimant, agent, mine)
    if ('reason' in quota) return quota
    const { cut } = quota
    return this.#ofFilters(claimant, agent, cut) ?? this.#ofOthers(claimant, agent)
  }

  #ofFilters(claimant: Claimant, agent: AgentBook, offered: Resources): Answer | undefined {
    const refused = agent.filters.of(claimant.index).find(filter => filter.refused.contains(offered))
    if (!refused) return undefined
    const forMs = Math.max(0, (refused.end?.expiresAtMs ?? 0) - this.#now)
    return {
      reason: 'filtered',
      message: `the framework has refused ${String(refused.refused)} of it, for ${durationText(forMs)} more`,
      figures: { refused: String(refused.refused), refusedForMs: String(forMs) },
      advice: `wait ${durationText(forMs)}, or let the framework clear its filters (or revive)`,
      distance: forMs,
    }
  }

  #ofOthers(claimant: Claimant, agent: AgentBook): Answer {
    const shared = agent.shared.except(agent.holding(claimant.index).offered)
    const now = filteredFor(this.#state, claimant, agent.free, shared)
    const cut = this.#isEnough(claimant, agent, now) ? this.#ofQuota(claimant, agent, now) : undefined
    if (cut && !('reason' in cut)) {
      const filtered = this.#ofFilters(claimant, agent, cut.cut)
      if (filtered) return filtered
      return {
        reason: 'next-cycle',
        message: `nothing is in the way of ${String(cut.cut)}; the next cycle offers it`,
        figures: { free: String(now) },
      }
    }
    if (cut) return cut
    for (const { claimant: index, offered } of agent.holders) {
      const other = this.#state.claimants.at(index)
      if (!other || offered.isEmpty || other === claimant) continue
      const name = `framework ${other.framework.frameworkId} in role ${other.role}`
      const figures = { holder: other.framework.frameworkId, role: other.role, offered: String(offered) }
      const [theirs, mine] = this.#rivals(other, offered, claimant)
      const isFirst = compareShares(theirs.share, theirs.weight, mine.share, mine.weight) < 0
      const shares = { holderShare: theirs.share.value.toFixed(3), share: mine.share.value.toFixed(3) }
      const advice = `wait until ${name} has answered its offer`
      return isFirst
        ? {
            reason: 'lower-share-first',
            message: `${name} came first with ${String(offered)}: a share of ${shares.holderShare} before that, against ${shares.share}`,
            figures: { ...figures, ...shares },
            advice,
          }
        : {
            reason: 'offered-to-other',
            message: `${name} has an offer of ${String(offered)}`,
            figures,
            advice,
          }
    }
    return this.#below(claimant, now)
  }

  /** The two that compete: where the paths of both in the tree of roles part; the holder's as it was before its offer. */
  #rivals(
    other: Claimant,
    offered: Resources,
    claimant: Claimant,
  ): [{ share: Share; weight: number }, { share: Share; weight: number }] {
    const without = (held: Amounts, weight: number): Share => {
      const before: Amounts = []
      addTo(before, held, 1)
      addTo(before, this.#state.vectors.of(offered).scalars, -1)
      const share = noShare()
      setDominant(share, before, this.#state.tree.totals, this.#state.tree.counted, weight)
      return share
    }
    if (other.leaf === claimant.leaf) {
      return [
        { share: without(other.held, 1), weight: 1 },
        { share: claimant.share, weight: 1 },
      ]
    }
    const [theirs, mine] = [pathOf(other.leaf), pathOf(claimant.leaf)]
    let depth = 0
    while (theirs[depth] === mine[depth]) depth += 1
    const [one, two] = [theirs[depth] ?? other.leaf, mine[depth] ?? claimant.leaf]
    return [
      { share: without(one.held, one.weight), weight: one.weight },
      { share: this.#state.tree.shareOf(two), weight: two.weight },
    ]
  }

  #isEnough(claimant: Claimant, agent: AgentBook, resources: Resources): boolean {
    const open = this.#open(claimant)
    if (claimant.demand && open) return !claimant.demand.pack(agent.facts, resources, open).resources.isEmpty
    return meets(resources, claimant.minimum, this.#state.vectors)
  }

  /** Not enough although nobody else competes: would it be with what is reserved for others, or of other kinds? */
  #tooLittle(
    claimant: Claimant,
    agent: AgentBook,
    unused: Resources,
    shared: Resources,
    mine: Resources,
  ): Answer {
    const forOthers = unused.only(
      kind => kind.reservation !== undefined && !isAllocatableTo(kind, claimant.role),
    )
    if (!forOthers.isEmpty && this.#isEnoughByAmount(claimant, mine.plus(forOthers))) {
      const roles = [...new Set(forOthers.keys().map(key => key.replace(/^[^(]*\(([^,)<]*).*$/, '$1')))]
      return {
        reason: 'reserved-for-other-role',
        message: `${String(forOthers)} is reserved for other roles (${roles.join(', ')}); ${String(mine) || 'nothing'} is left for role ${claimant.role}`,
        figures: { reserved: String(forOthers), free: String(mine) },
        advice: `unreserve some of ${String(forOthers)} of agent ${agent.agentId}`,
      }
    }
    const others = unused
      .plus(shared)
      .only(kind => isAllocatableTo(kind, claimant.role))
      .except(mine)
    if (!others.isEmpty && this.#isEnoughByAmount(claimant, mine.plus(others))) {
      const needed = neededFor(others)
      return {
        reason: 'capability',
        message: `${String(others)} is for frameworks with the capability ${needed}`,
        figures: { capability: needed, resources: String(others) },
        advice: `subscribe with the capability ${needed}`,
      }
    }
    return claimant.demand && this.#open(claimant)
      ? this.#misfit(claimant, agent, mine, 'is there')
      : this.#below(claimant, mine, agent)
  }

  #isEnoughByAmount(claimant: Claimant, resources: Resources): boolean {
    const open = this.#open(claimant)
    if (!claimant.demand || !open) return meets(resources, claimant.minimum, this.#state.vectors)
    const has = resources.quantities()
    return claimant.demand.shapes.some(
      ({ resources: wanted }, index) =>
        (open[index] ?? 0) > 0 &&
        [...wanted.quantities()].every(([name, amount]) => (has.get(name) ?? 0) >= amount),
    )
  }

  #below(claimant: Claimant, mine: Resources, agent?: AgentBook): Answer {
    const minimum = minimumToText(claimant.minimum)
    const used = agent ? String(agent.heldInAll('allocated')) : ''
    const has = String(mine) || 'nothing'
    return {
      reason: 'below-minimum',
      message: `${has} is left${used ? `, tasks hold ${used}` : ''}; an offer holds at least ${minimum || 'something'}`,
      figures: { free: String(mine), allocated: used, minimum },
      advice: mine.isEmpty
        ? 'wait until tasks end, or add agents'
        : `subscribe with a lower minAllocatable than ${minimum}`,
    }
  }

  /** Cuts by quota, or says that what is left by it is not enough. */
  #ofQuota(claimant: Claimant, agent: AgentBook, mine: Resources): Answer | { readonly cut: Resources } {
    const state = this.#state
    if (!state.tree.hasQuotas) return { cut: mine }
    for (const stage of ['guarantees', 'fair-share'] as const) {
      if (stage === 'guarantees' && !state.tree.isMissing(claimant.leaf)) continue
      const cut = cutByQuota(state, agent, claimant, mine, stage)
      if (cut && this.#isEnough(claimant, agent, cut)) return { cut }
    }
    const { unreserved } = state.vectors.of(mine)
    const [limits, headroom]: [number[], number[]] = [[], []]
    for (let id = 0; id < unreserved.length; id++) {
      limits[id] = withinLimits(claimant.leaf, id, amountOf(unreserved, id))
      headroom[id] = withinHeadroom(state, claimant.leaf, id, amountOf(unreserved, id))
    }
    const byLimit = cutTo(mine, state.names, limits)
    if (!this.#isEnough(claimant, agent, byLimit)) {
      const { text, role } = bindingLimit(claimant.leaf, unreserved)
      return {
        reason: 'role-over-limit',
        message: `the limit of role ${role}, ${text}, leaves too little: ${String(byLimit) || 'nothing'} of ${String(mine)} is within it`,
        figures: { limit: text, role, within: String(byLimit) },
        advice: `raise the limit of role ${role}, ${text}`,
      }
    }
    const required = state.names.names
      .map((name, id) => [name, state.tree.required(id)] as const)
      .filter(([, amount]) => amount > 0)
    const kept = quantitiesToText(new Map(required))
    const byHeadroom = cutTo(mine, state.names, headroom)
    return {
      reason: 'headroom',
      message: `${kept} must stay free for guarantees of other roles; ${String(byHeadroom) || 'nothing'} of ${String(mine)} is beyond that`,
      figures: { required: kept, beyond: String(byHeadroom) },
      advice: `add agents, or lower guarantees that are not used (${kept} is missing to them)`,
    }
  }

  /** The nearest miss: of the shapes that are wanted, that which lacks the least. */
  #misfit(claimant: Claimant, agent: AgentBook, mine: Resources, where: string): Answer {
    const open = this.#open(claimant) ?? []
    const has = mine.quantities()
    let nearest: { text: string; lacks: string; distance: number } | undefined
    for (const [index, { resources, shape }] of (claimant.demand?.shapes ?? []).entries()) {
      if ((open[index] ?? 0) <= 0 || !meetsConstraints(agent.facts, shape.constraints)) continue
      const lacks = [...resources.quantities()].flatMap(([name, amount]) => {
        const short = amount - (has.get(name) ?? 0)
        return short > 0 ? [[name, short, short / amount] as const] : []
      })
      const distance = lacks.reduce((sum, [, , part]) => sum + part, 0)
      if (nearest && nearest.distance <= distance) continue
      const text = lacks.map(([name, short]) => `${name}:${fromThousandths(short)}`).join(';')
      nearest = { text: String(resources), lacks: text || 'the very members that it names', distance }
    }
    const { text = '', lacks = '', distance = Infinity } = nearest ?? {}
    return {
      reason: 'does-not-fit',
      message: `${text} is wanted, ${String(mine) || 'nothing'} ${where}: ${lacks} is missing`,
      figures: { wanted: text, free: String(mine), missing: lacks },
      advice: `${lacks} more on agent ${agent.agentId} would let ${text} through`,
      distance,
    }
  }
}

function ofAgent(agent: AgentBook): Answer | undefined {
  switch (agent.condition) {
    case 'unreachable':
      return {
        reason: 'agent-unreachable',
        message: 'the agent is silent',
        advice: 'see why the agent is silent',
      }
    case 'draining':
      return {
        reason: 'agent-draining',
        message: 'the agent is being drained',
        advice: `reactivate agent ${agent.agentId}`,
      }
    case 'deactivated':
      return {
        reason: 'agent-deactivated',
        message: 'an operator has deactivated the agent',
        advice: `reactivate agent ${agent.agentId}`,
      }
    case 'unwell':
      return {
        reason: 'agent-unwell',
        message: 'the agent says that it cannot run what it has',
        advice: `see what is wrong on agent ${agent.agentId}`,
      }
    case 'active':
      return agent.isWhitelisted
        ? undefined
        : {
            reason: 'not-whitelisted',
            message: `host ${agent.facts.hostname} is not on the whitelist`,
            figures: { hostname: agent.facts.hostname },
            advice: `put ${agent.facts.hostname} on the whitelist`,
          }
  }
}

/** The limit that leaves the least of what could be had: of the role, or of one above it. */
function bindingLimit(leaf: RoleNode, mine: Amounts): { text: string; role: string } {
  let binding: { node: RoleNode; part: number } | undefined
  for (let node: RoleNode | undefined = leaf; node; node = node.parent) {
    for (let id = 0; id < mine.length; id++) {
      const limit = node.limit[id]
      const wanted = amountOf(mine, id)
      if (limit === undefined || wanted <= 0) continue
      const part = Math.max(0, limit - node.consumed(id)) / wanted
      if (!binding || part < binding.part) binding = { node, part }
    }
  }
  const { node } = binding ?? { node: leaf }
  return { text: node.quota ? quantitiesToText(node.quota.limit) : '', role: node.role }
}

function neededFor(resources: Resources): string {
  const needed = new Set<string>()
  const found = resources.only(kind => {
    if (kind.isRevocable) needed.add('revocable')
    if (kind.isShared) needed.add('shared')
    if (reservedRole(kind) !== undefined && (kind.reservation?.roles.length ?? 0) > 1)
      needed.add('refinement')
    return true
  })
  return found.isEmpty ? '' : [...needed].join(', ')
}

function pathOf(leaf: RoleNode): RoleNode[] {
  const path: RoleNode[] = []
  for (let node: RoleNode | undefined = leaf; node; node = node.parent) path.unshift(node)
  return path
}

/** `850 ms`, `54 s`, `12 min`, `3 h`, `2 d`: roughly, for people. */
function durationText(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const
  const unit = units.find(([size]) => ms >= 2 * size)
  return unit ? `${Math.round(ms / unit[0])} ${unit[1]}` : `${ms} ms`
}
