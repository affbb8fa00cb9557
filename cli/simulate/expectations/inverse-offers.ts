import type { InverseOfferPattern } from '../expected.js'
import type { InverseOfferEvent } from '../world.js'
import { bestPairs } from './matching.js'
import { linesOr, type Verdict } from './verdict.js'

/** Each entry is met by one inverse offer, and none is left over. */
export function judgeInverseOffers(
  patterns: readonly InverseOfferPattern[],
  inverseOffers: readonly InverseOfferEvent[],
  written: unknown,
): Verdict {
  const pairs = bestPairs(patterns, inverseOffers, meets)
  const met = new Set(pairs)
  return {
    isMet: pairs.every(item => item !== undefined) && patterns.length === inverseOffers.length,
    expected: {
      json: written,
      lines: linesOr(
        patterns.map(
          (each, index) => `${pairs[index] === undefined ? '- ' : '  '}${lineOf(each, each.start)}`,
        ),
        '  nothing',
      ),
    },
    got: {
      json: inverseOffers.map(({ framework, agent, startMs }) => ({ framework, agent, startMs })),
      lines: linesOr(
        inverseOffers.map((each, index) => `${met.has(index) ? '  ' : '+ '}${lineOf(each, each.startMs)}`),
        '  nothing',
      ),
    },
  }
}

function meets(pattern: InverseOfferPattern, { framework, agent, startMs }: InverseOfferEvent): boolean {
  return pattern.framework === framework && pattern.agent === agent && (pattern.start ?? startMs) === startMs
}

function lineOf({ framework, agent }: { framework: string; agent: string }, startMs: number | undefined) {
  return `framework ${framework}, agent ${agent}, start ${startMs === undefined ? 'any' : `${startMs / 1_000}s`}`
}
