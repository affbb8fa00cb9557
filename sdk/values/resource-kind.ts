import { roleProblem } from './role.js'

/** For whom a resource is set aside. */
export interface Reservation {
  /**
   * The roles, outermost first: a reservation for `a` that was refined for `a/b` is `['a', 'a/b']`. The last is the
   * one that counts: the resource goes to this role and to those below it.
   */
  readonly roles: readonly [string, ...string[]]
  /** Made at run time, so that it can be undone; else the agent was started with it. A refinement is always dynamic. */
  readonly isDynamic: boolean
}

/** A directory on an agent's disk that outlives the tasks that use it. */
export interface Volume {
  readonly id: string
  readonly path: string
}

/**
 * What sort of a resource it is, all but the amount. Amounts of equal kinds add up; those of different kinds never mix.
 * The text form is the key under which an amount stands: `cpus`, `cpus(web)`, `cpus(web,dynamic)`, `cpus(eng/web<eng)`,
 * `disk(web)[data:/data]`, `disk(web)[data:/data]{shared}`, `disk{mount}`, `cpus{revocable}`.
 */
export interface ResourceKind {
  readonly name: string
  readonly reservation: Reservation | undefined
  readonly volume: Volume | undefined
  /** A volume that several tasks may use at once. */
  readonly isShared: boolean
  /** May be taken back at any time, from frameworks that have agreed to that. */
  readonly isRevocable: boolean
  /** A disk of its own: given whole or not at all. */
  readonly isMount: boolean
}

/** A part of a key is wrong, at this place of it. */
export class ResourceKeyError extends Error {
  override readonly name = 'ResourceKeyError'
  readonly position: number
  constructor(position: number, rule: string) {
    super(rule)
    this.position = position
  }
}

const namePattern = /^[A-Za-z][A-Za-z0-9_.-]*/
const nameRule = "a name is a letter followed by letters, digits, '.', '_' or '-'"
const flags = ['mount', 'revocable', 'shared'] as const
type Flag = (typeof flags)[number]

/** Keys come again and again; reading one is a pure function of its text, so that what was read may be kept. */
const known = new Map<string, ResourceKind>()
const mostKnown = 10_000

/**
 * Reads a key.
 * @throws ResourceKeyError
 */
export function kindOf(key: string): ResourceKind {
  const kept = known.get(key)
  if (kept) return kept
  const kind = readKind(key)
  if (known.size >= mostKnown) known.clear()
  known.set(key, kind)
  return kind
}

/** The one text form of a kind. */
export function keyOf(kind: ResourceKind): string {
  const { name, reservation, volume } = kind
  const set = [kind.isMount && 'mount', kind.isRevocable && 'revocable', kind.isShared && 'shared']
  const flagged = set.filter(flag => flag !== false).join(',')
  const reserved =
    reservation && `(${reservation.roles.toReversed().join('<')}${reservation.isDynamic ? ',dynamic' : ''})`
  return `${name}${reserved ?? ''}${volume ? `[${volume.id}:${volume.path}]` : ''}${flagged && `{${flagged}}`}`
}

/** The role that a reservation is for; undefined for what is not reserved. */
export function reservedRole(kind: ResourceKind): string | undefined {
  return kind.reservation?.roles.at(-1)
}

/** Whether a role may have it: what is not reserved, and what is for it or for a role above it. */
export function isAllocatableTo(kind: ResourceKind, role: string): boolean {
  const reserved = reservedRole(kind)
  return reserved === undefined || reserved === role || role.startsWith(`${reserved}/`)
}

/** As it was before the last reservation or refinement; undefined when there is none that could be undone. */
export function withoutLastReservation(kind: ResourceKind): ResourceKind | undefined {
  const { reservation } = kind
  if (!reservation || kind.volume) return undefined
  const [outermost, ...refinements] = reservation.roles
  if (refinements.length === 0) return reservation.isDynamic ? { ...kind, reservation: undefined } : undefined
  const roles: [string, ...string[]] = [outermost, ...refinements.slice(0, -1)]
  return { ...kind, reservation: { ...reservation, roles } }
}

/** The reserved disk that a volume is made of; undefined when it is no volume. */
export function withoutVolume(kind: ResourceKind): ResourceKind | undefined {
  return kind.volume && { ...kind, volume: undefined, isShared: false }
}

function readKind(key: string): ResourceKind {
  const name = namePattern.exec(key)?.[0]
  if (name === undefined) throw new ResourceKeyError(0, `${nameRule}, got '${key}'`)
  let position = name.length
  const part = (open: string, close: string): string | undefined => {
    if (key[position] !== open) return undefined
    const end = key.indexOf(close, position)
    if (end < 0) throw new ResourceKeyError(key.length, `'${close}' must close the '${open}' of '${name}'`)
    const inner = key.slice(position + 1, end)
    position = end + 1
    return inner
  }
  const reservationAt = position
  const reserved = part('(', ')')
  const volumeAt = position
  const volume = part('[', ']')
  const flagsAt = position
  const flagged = readFlags(part('{', '}'), flagsAt)
  if (position < key.length) {
    const what =
      position === name.length ? `${nameRule}, got '${key}'` : `':' must follow '${key.slice(0, position)}'`
    throw new ResourceKeyError(position === name.length ? 0 : position, what)
  }
  const kind = {
    name,
    reservation: reserved === undefined ? undefined : readReservation(reserved, reservationAt),
    volume: volume === undefined ? undefined : readVolume(volume, volumeAt),
    isShared: flagged.has('shared'),
    isRevocable: flagged.has('revocable'),
    isMount: flagged.has('mount'),
  }
  if (kind.volume && !kind.reservation)
    throw new ResourceKeyError(volumeAt, `a volume must be of reserved disk, got '${key}'`)
  if (kind.isShared && !kind.volume)
    throw new ResourceKeyError(flagsAt, `only a volume can be shared, got '${key}'`)
  if (kind.isRevocable && kind.reservation)
    throw new ResourceKeyError(flagsAt, `revocable resources cannot be reserved, got '${key}'`)
  return kind
}

function readReservation(text: string, position: number): Reservation {
  const [stack = '', mark, ...more] = text.split(',').map(each => each.trim())
  if (more.length > 0 || (mark !== undefined && mark !== 'dynamic')) {
    const rule = `a reservation is '(role)', '(role,dynamic)' or '(a/b<a)', got '(${text})'`
    throw new ResourceKeyError(position, rule)
  }
  const [outermost = '', ...refinements] = stack
    .split('<')
    .map(each => each.trim())
    .toReversed()
  for (const role of [outermost, ...refinements]) {
    const problem = roleProblem(role)
    if (problem !== undefined) throw new ResourceKeyError(position, `${problem}, got '${role}'`)
  }
  let outer = outermost
  for (const role of refinements) {
    if (!role.startsWith(`${outer}/`)) {
      const rule = `a reservation is refined for a role below it, such as '${outer}/x<${outer}', got '${role}<${outer}'`
      throw new ResourceKeyError(position, rule)
    }
    outer = role
  }
  return { roles: [outermost, ...refinements], isDynamic: mark === 'dynamic' }
}

function readVolume(text: string, position: number): Volume {
  const match = /^([A-Za-z0-9_.-]+):([^\s:;[\]{}()]+)$/.exec(text.trim())
  if (!match?.[1] || !match[2]) {
    throw new ResourceKeyError(position, `a volume is '[id:path]', got '[${text}]'`)
  }
  return { id: match[1], path: match[2] }
}

function readFlags(text: string | undefined, position: number): Set<Flag> {
  const set = new Set<Flag>()
  if (text === undefined) return set
  for (const each of text.split(',').map(flag => flag.trim())) {
    const flag = flags.find(one => one === each)
    if (!flag) throw new ResourceKeyError(position, `a flag is one of ${flags.join(', ')}, got '${each}'`)
    set.add(flag)
  }
  return set
}
