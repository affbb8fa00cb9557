import type { Domain } from '@tender/sdk/protocol'
import {
  type Attributes,
  keyOf,
  kindOf,
  Resources,
  type ResourceValue,
  type WireResources,
} from '@tender/sdk/values'

/** What an agent is started with, and kept to when it is started again. */
export interface StartedWith {
  /** All that it had, told or detected, before the leader changed anything. */
  readonly resources: WireResources
  /** The names of those that were detected, not told. */
  readonly detected: readonly string[]
  readonly attributes: Attributes
  readonly domain?: Domain | undefined
}

/** `additive`: what it had must still be there; `any`: whatever it is started with, as far as reservations allow. */
export type Reconfiguration = 'additive' | 'any'

/** What the same host is measured at may be so much less after an update of its kernel: of a thousand. */
const measuredLessPerMille = 50

/**
 * What an agent has that is started again: what it is started with now, if that holds all of before. A little less of
 * what was detected both times is no change: the host is the same, and the old amount goes on to hold.
 *
 * @throws Error that says what has changed, and what to do
 */
export function reconfigured(
  before: StartedWith | undefined,
  now: StartedWith,
  policy: Reconfiguration = 'additive',
): StartedWith {
  if (!before || policy === 'any') return now
  const measured = new Set(now.detected.filter(name => before.detected.includes(name)))
  const [had, has] = [Resources.fromWire(before.resources), Resources.fromWire(now.resources)]
  const kept = Resources.of(
    [...has.entries()].map(([key, value]) => {
      const old = had.get(key)
      return [key, measured.has(kindOf(key).name) && old && isALittleLess(value, old) ? old : value]
    }),
  )
  const changes = [
    ...changedResources(had, kept),
    ...changedAttributes(before.attributes, now.attributes),
    ...changedDomain(before.domain, now.domain),
  ]
  if (changes.length === 0) return { ...now, resources: kept.toWire() }
  throw new Error(
    `this agent was started with something else before: ${changes.join('; ')}. What frameworks have chosen it for may ` +
      `be added to, not taken away: start it with at least ${atLeast(before)}; or drain it, remove it (tender agents ` +
      `remove <id>), and start it with a new --work-dir`,
  )
}

function isALittleLess(now: ResourceValue, before: ResourceValue): boolean {
  if (now.kind !== 'scalar' || before.kind !== 'scalar' || now.thousandths >= before.thousandths) return false
  return now.thousandths * 1_000 >= before.thousandths * (1_000 - measuredLessPerMille)
}

function changedResources(had: Resources, has: Resources): string[] {
  return had.keys().flatMap(key => {
    const only = (resources: Resources) => resources.only(kind => keyOf(kind) === key)
    return only(has).contains(only(had)) ? [] : [`${String(only(had))} is now ${String(only(has)) || 'gone'}`]
  })
}

function changedAttributes(had: Attributes, has: Attributes): string[] {
  return Object.entries(had).flatMap(([name, value]) =>
    has[name] === value ? [] : [`attribute ${name}:${value} is now ${has[name] ?? 'gone'}`],
  )
}

function changedDomain(had: Domain | undefined, has: Domain | undefined): string[] {
  if (!had || (has?.region === had.region && has.zone === had.zone)) return []
  return [`domain ${domainText(had)} is now ${has ? domainText(has) : 'gone'}`]
}

/** As the flags of the command are written. */
function atLeast({ resources, attributes, domain }: StartedWith): string {
  const named = Object.entries(attributes).map(([name, value]) => `${name}:${value}`)
  return [
    `--resources '${String(Resources.fromWire(resources))}'`,
    ...(named.length > 0 ? [`--attributes '${named.join(';')}'`] : []),
    ...(domain ? [`--domain ${domainText(domain)}`] : []),
  ].join(' ')
}

function domainText({ region, zone }: Domain): string {
  return `${region}/${zone}`
}
