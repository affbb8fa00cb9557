import { roleProblem } from '@tender/sdk/values'
import type { Place } from './place.js'
import type { YamlEntry, YamlNode } from './yaml-document.js'

/** Reads one part of a file, or throws a ScenarioFileError. */
export type Read<T> = (node: YamlNode, place: Place) => T

export type Value<R> = R extends Read<infer T> ? T : never

interface Field<T> {
  readonly read: Read<T>
  readonly isRequired: boolean
  readonly absent: T | undefined
}

type Fields = Readonly<Record<string, Field<unknown>>>
type FieldsOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never }

export function required<T>(read: Read<T>): Field<T> {
  return { read, isRequired: true, absent: undefined }
}

export function optional<T>(read: Read<T>): Field<T | undefined>
export function optional<T>(read: Read<T>, absent: T): Field<T>
export function optional<T>(read: Read<T>, absent?: T): Field<T | undefined> {
  return { read, isRequired: false, absent }
}

/** A map of these fields and no others. */
export function mapOf<F extends Fields>(fields: F): Read<FieldsOf<F>> {
  const names = Object.keys(fields)
  return (node, place) => {
    if (node.kind !== 'map') return place.mustBe(node, `a map of ${names.join(', ')}`)
    for (const { key, line } of node.entries) {
      if (!Object.hasOwn(fields, key)) {
        place.fail(line, `unknown key '${key}'; allowed: ${names.join(', ')}`)
      }
    }
    const read = Object.entries(fields).map(([name, field]) => {
      const entry = node.entries.find(({ key }) => key === name)
      if (!entry && field.isRequired) {
        place.fail(node.line, `'${name}' is missing; allowed: ${names.join(', ')}`)
      }
      return [name, entry ? field.read(entry.value, place.key(name)) : field.absent] as const
    })
    return Object.fromEntries(read) as FieldsOf<F>
  }
}

/** A map whose keys are names of the author's. */
export function recordOf<T>(
  read: Read<T>,
  checkKey: (entry: YamlEntry, place: Place) => void = () => {},
): Read<Readonly<Record<string, T>>> {
  return (node, place) => {
    if (node.kind !== 'map') return place.mustBe(node, 'a map')
    return Object.fromEntries(
      node.entries.map(entry => {
        checkKey(entry, place)
        return [entry.key, read(entry.value, place.key(entry.key))]
      }),
    )
  }
}

export function listOf<T>(read: Read<T>, what = 'a list'): Read<readonly T[]> {
  return (node, place) =>
    node.kind === 'list'
      ? node.items.map((item, index) => read(item, place.index(index)))
      : place.mustBe(node, what)
}

/** A word that stands for itself, or what else is allowed. */
export function wordOr<W extends string, T>(word: W, read: Read<T>): Read<W | T> {
  return (node, place) => (isWord(node, word) ? word : read(node, place))
}

/** Values of a field that have a word for a value of another kind, such as `none` for 0. */
export function wordFor<T, U>(word: string, value: U, read: Read<T>): Read<T | U> {
  return (node, place) => (isWord(node, word) ? value : read(node, place))
}

export function isWord(node: YamlNode, word: string): boolean {
  return node.kind === 'scalar' && node.value === word
}

export function oneOf<W extends string>(words: readonly W[]): Read<W> {
  return (node, place) =>
    words.find(word => isWord(node, word)) ?? place.mustBe(node, `one of ${words.join(', ')}`)
}

/** Text; a number is taken as it is written, so that names need no quotes. */
export const text: Read<string> = (node, place) => textOf(node) ?? place.mustBe(node, 'text')

function textOf(node: YamlNode): string | undefined {
  if (node.kind !== 'scalar') return undefined
  if (typeof node.value === 'string') return node.value
  return typeof node.value === 'number' ? node.text : undefined
}

/** Text that may look like true or false, as attributes do. */
export const anyText: Read<string> = (node, place) =>
  node.kind === 'scalar' && typeof node.value === 'boolean' ? node.text : text(node, place)

export const attribute: Read<string | number> = (node, place) => {
  if (node.kind === 'scalar' && typeof node.value === 'number') return node.value
  return node.kind === 'scalar' && node.value !== null
    ? String(node.value)
    : place.mustBe(node, 'text or a number')
}

export const number: Read<number> = (node, place) =>
  node.kind === 'scalar' && typeof node.value === 'number' && Number.isFinite(node.value)
    ? node.value
    : place.mustBe(node, 'a number')

export function wholeNumber(least: number): Read<number> {
  return (node, place) =>
    node.kind === 'scalar' && Number.isSafeInteger(node.value) && (node.value as number) >= least
      ? (node.value as number)
      : place.mustBe(node, `a whole number of ${least} or more`)
}

export const boolean: Read<boolean> = (node, place) =>
  node.kind === 'scalar' && typeof node.value === 'boolean' ? node.value : place.mustBe(node, 'true or false')

/** The value of a step or field that has only one. */
export const justTrue: Read<true> = (node, place) =>
  node.kind === 'scalar' && node.value === true ? true : place.mustBe(node, 'true')

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `250ms`, `1s`, `5m`, `2h`, `1d`, `1.5s`, or 0; in milliseconds. */
export const durationMs: Read<number> = (node, place) => {
  const written = textOf(node) ?? ''
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(written)
  const ms = written === '0' ? 0 : Number(match?.[1]) * (unitsMs[match?.[2] ?? ''] ?? Number.NaN)
  // A decimal of seconds is not exact in binary: 1.1 s are 1100.0000000000002 ms.
  const whole = Math.round(ms)
  return Number.isSafeInteger(whole) && Math.abs(ms - whole) < 1e-6
    ? whole
    : place.mustBe(node, 'a duration of whole milliseconds such as 250ms, 1s, 5m, 2h, 1d or 0')
}

const idRule = 'letters, digits, _ and -, at most 63'

const id: Read<string> = (node, place) => {
  const written = textOf(node)
  return written !== undefined && /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(written)
    ? written
    : place.mustBe(node, `an id of ${idRule}`)
}

/** An id that this step introduces. */
export function newId(kind: 'agents' | 'frameworks'): Read<string> {
  return (node, place) => {
    const name = id(node, place)
    place.context.known[kind].add(name)
    return name
  }
}

/** An id that an earlier step has introduced. */
export function knownId(kind: 'agents' | 'frameworks'): Read<string> {
  return (node, place) => knownName(node, place, kind, place.context.known[kind])
}

/** An id that any step of the scenario introduces. */
export function idOfScenario(kind: 'agents' | 'frameworks'): Read<string> {
  return (node, place) => knownName(node, place, kind, place.context.ever[kind])
}

function knownName(node: YamlNode, place: Place, kind: keyof Place['context']['known'], names: Set<string>) {
  const name = textOf(node)
  if (name !== undefined && names.has(name)) return name
  const allowed = [...names].join(', ') || 'none so far'
  return place.mustBe(node, `one of the scenario's ${kind} (${allowed})`)
}

export const taskId: Read<string> = (node, place) => {
  const written = textOf(node)
  return written !== undefined && /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/.test(written)
    ? written
    : place.mustBe(node, 'a task id of letters, digits, _, - and (not first) dots, at most 200')
}

export const role: Read<string> = (node, place) => {
  const name = text(node, place)
  const problem = roleProblem(name)
  if (problem !== undefined && !place.context.mayBeRefused) place.mustBe(node, `a role: ${problem}`)
  return name
}
