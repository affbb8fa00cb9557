import { resources } from './amounts.js'
import {
  durationMs,
  idOfScenario,
  isWord,
  listOf,
  mapOf,
  number,
  optional,
  type Read,
  recordOf,
  required,
  role,
  text,
  type Value,
  wholeNumber,
  wordFor,
  wordOr,
} from './readers.js'

const framework = idOfScenario('frameworks')
const agent = idOfScenario('agents')

/** What one offer has to be; a field that is left out matches anything. */
const offerPattern = mapOf({
  framework: optional(framework),
  role: optional(role),
  agent: optional(agent),
  resources: optional(resources),
})
export type OfferPattern = Value<typeof offerPattern>

const plainList = listOf(offerPattern, 'a list of {framework, role, agent, resources}')

const byFramework = <T>(read: Read<T>) =>
  recordOf(read, ({ key, line }, place) => {
    const { frameworks } = place.context.ever
    if (!frameworks.has(key)) {
      place.fail(line, `unknown framework '${key}'; known: ${[...frameworks].join(', ') || 'none'}`)
    }
  })

const offersMap = mapOf({
  total: optional(byFramework(resources)),
  counts: optional(byFramework(wholeNumber(0))),
  oneOf: optional(listOf(wordFor('nothing', [], plainList), 'a list of plain lists')),
})

/** All that is there must hold. */
export type ExpectedOffers = Partial<Value<typeof offersMap>> & { readonly list?: readonly OfferPattern[] }

export const expectedOffers: Read<ExpectedOffers> = (node, place) => {
  if (isWord(node, 'nothing')) return { list: [] }
  if (node.kind === 'list') return { list: plainList(node, place) }
  if (node.kind === 'map' && node.entries.length > 0) return offersMap(node, place)
  return place.mustBe(node, 'a list of offers, nothing, or a map of total, counts, oneOf')
}

const inverseOffer = mapOf({
  framework: required(framework),
  agent: required(agent),
  start: optional<number>((node, place) =>
    node.kind === 'scalar' && typeof node.value === 'number'
      ? wholeNumber(0)(node, place)
      : durationMs(node, place),
  ),
})
export type InverseOfferPattern = Value<typeof inverseOffer>

export const expectedInverseOffers = wordFor(
  'nothing',
  [],
  listOf(inverseOffer, 'nothing, or a list of {framework, agent, start}'),
)

/** By role or framework@role. A share of none may be of a framework that never comes. */
export const expectedShares: Read<Readonly<Record<string, number | 'none'>>> = (node, place) => {
  const shares = recordOf(wordOr('none', number))(node, place)
  if (node.kind !== 'map') return shares
  const { frameworks } = place.context.ever
  for (const { key, line } of node.entries) {
    const { framework } = shareOf(key)
    if (framework === undefined || frameworks.has(framework) || shares[key] === 'none') continue
    place.fail(line, `unknown framework '${framework}'; known: ${[...frameworks].join(', ') || 'none'}`)
  }
  return shares
}

/** Whose share a key names. */
export function shareOf(key: string): { readonly role: string; readonly framework: string | undefined } {
  const at = key.indexOf('@')
  return at < 0
    ? { role: key, framework: undefined }
    : { role: key.slice(at + 1), framework: key.slice(0, at) }
}

export const expectedOrder = mapOf({ role: optional(role), order: required(listOf(text)) })

export const expectedMetric = mapOf({
  name: required(text),
  labels: optional(recordOf(text), {}),
  value: required(wordOr('none', number)),
})

export const expectedReason = mapOf({
  framework: required(framework),
  role: optional(role),
  agent: required(agent),
  reason: required(text),
})

export const expectedFree = mapOf({ agent: optional(agent), resources: required(resources) })

export const expectedHeld = mapOf({
  agent: optional(agent),
  framework: optional(framework),
  role: optional(role),
  resources: required(resources),
})
