import { Resources } from '@tender/sdk/values'
import type { ExpectedOffers, OfferPattern } from '../expected.js'
import type { OfferEvent } from '../world.js'
import { bestPairs } from './matching.js'
import { linesOr, type Shown, type Verdict } from './verdict.js'

/** Whether these offers are what a step expects: all that it says must hold. */
export function judgeOffers(
  expected: ExpectedOffers,
  offers: readonly OfferEvent[],
  written: unknown,
): Verdict {
  const verdicts = [
    ...(expected.list ? [judgeList(expected.list, offers)] : []),
    ...(expected.oneOf ? [judgeOneOf(expected.oneOf, offers)] : []),
    ...(expected.total || expected.counts ? [judgeSums(expected, offers)] : []),
  ]
  const isMet = verdicts.every(verdict => verdict.isMet)
  // Those that are met would only hide what is wrong.
  const told = isMet ? verdicts : verdicts.filter(verdict => !verdict.isMet)
  return {
    isMet,
    expected: { json: written, lines: told.flatMap(({ expected }) => expected.lines) },
    got: { json: told[0]?.got.json ?? [], lines: told.flatMap(({ got }) => got.lines) },
  }
}

/** Each entry is met by one offer, and no offer is left over. */
function judgeList(patterns: readonly OfferPattern[], offers: readonly OfferEvent[]): Verdict {
  const pairs = bestPairs(patterns, offers, meets)
  const met = new Set(pairs)
  return {
    isMet: pairs.every(item => item !== undefined) && patterns.length === offers.length,
    expected: {
      json: patterns,
      lines: linesOr(
        patterns.map(
          (pattern, index) => `${pairs[index] === undefined ? '- ' : '  '}${patternText(pattern)}`,
        ),
        '  nothing',
      ),
    },
    got: {
      json: offers.map(offerJson),
      lines: linesOr(
        offers.map((offer, index) => `${met.has(index) ? '  ' : '+ '}${offerText(offer)}`),
        '  nothing',
      ),
    },
  }
}

function judgeOneOf(lists: readonly (readonly OfferPattern[])[], offers: readonly OfferEvent[]): Verdict {
  const verdicts = lists.map(list => judgeList(list, offers))
  return {
    isMet: verdicts.some(verdict => verdict.isMet),
    expected: {
      json: lists,
      lines: lists.flatMap((list, index) => [
        index === 0 ? 'either' : 'or',
        ...linesOr(
          list.map(pattern => `  ${patternText(pattern)}`),
          '  nothing',
        ),
      ]),
    },
    got: {
      json: offers.map(offerJson),
      lines: linesOr(
        offers.map(offer => `  ${offerText(offer)}`),
        '  nothing',
      ),
    },
  }
}

/** Sums and counts by framework; one that neither names had no offer. */
function judgeSums(expected: ExpectedOffers, offers: readonly OfferEvent[]): Verdict {
  const { total = {}, counts = {} } = expected
  const frameworks = new Set([
    ...Object.keys(total),
    ...Object.keys(counts),
    ...offers.map(({ framework }) => framework),
  ])
  const sums: Record<string, string> = {}
  const numbers: Record<string, number> = {}
  const [expectedLines, gotLines]: [string[], string[]] = [[], []]
  let isMet = true
  for (const framework of [...frameworks].toSorted()) {
    const own = offers.filter(offer => offer.framework === framework)
    const sum = sumOf(own)
    const [wantedSum, wantedCount] = [total[framework], counts[framework]]
    const isUnnamed = wantedSum === undefined && wantedCount === undefined
    const isAsWanted =
      (wantedSum === undefined || sum.equals(Resources.parse(wantedSum))) &&
      (wantedCount === undefined || own.length === wantedCount) &&
      (!isUnnamed || own.length === 0)
    isMet &&= isAsWanted
    if (own.length > 0) [sums[framework], numbers[framework]] = [String(sum), own.length]
    const parts = (count: number | undefined, amount: string | undefined) =>
      [
        ...(count === undefined ? [] : [count === 1 ? '1 offer' : `${count} offers`]),
        ...(amount === undefined ? [] : [`in total ${amount || 'nothing'}`]),
      ].join(', ')
    expectedLines.push(
      `${isAsWanted ? '  ' : '- '}${framework}: ${isUnnamed ? 'no offer' : parts(wantedCount, wantedSum)}`,
    )
    gotLines.push(`${isAsWanted ? '  ' : '+ '}${framework}: ${parts(own.length, String(sum))}`)
  }
  const json = expected.total
    ? { total: sums, ...(expected.counts ? { counts: numbers } : {}) }
    : { counts: numbers }
  return {
    isMet,
    expected: { json: { total, counts }, lines: linesOr(expectedLines, '  nothing') },
    got: { json, lines: linesOr(gotLines, '  nothing') },
  }
}

/**
 * The sum over agents: scalars are added up; of ranges and sets it is the union, since port 31000 of one agent and port
 * 31000 of another are the same text. So ports that agents have in common count once.
 */
function sumOf(offers: readonly OfferEvent[]): Resources {
  return Resources.sum(offers.map(({ resources }) => resources))
}

function meets(pattern: OfferPattern, offer: OfferEvent): boolean {
  return (
    (pattern.framework ?? offer.framework) === offer.framework &&
    (pattern.role ?? offer.role) === offer.role &&
    (pattern.agent ?? offer.agent) === offer.agent &&
    (pattern.resources === undefined || Resources.parse(pattern.resources).equals(offer.resources))
  )
}

function patternText({ framework, role, agent, resources }: OfferPattern): string {
  return lineOf(framework ?? 'any', role ?? 'any', agent ?? 'any', resources ?? 'any resources')
}

export function offerText({ framework, role, agent, resources }: OfferEvent): string {
  return lineOf(framework, role, agent, String(resources))
}

function lineOf(framework: string, role: string, agent: string, resources: string): string {
  return `framework ${framework}, role ${role}, agent ${agent}: ${resources || 'nothing'}`
}

function offerJson({ framework, role, agent, resources }: OfferEvent): Shown['json'] {
  return { framework, role, agent, resources: String(resources) }
}
