import { Resources } from '@tender/sdk/values'
import { shareOf } from '../expected.js'
import type { StepValue } from '../steps.js'
import type { World } from '../world.js'
import { shown, type Verdict } from './verdict.js'

/** A share that is written with three decimals meets what it stands for, and binary fractions are not exact. */
const shareTolerance = 0.001 + 1e-9
/** Less than the least amount, a thousandth. */
const metricTolerance = 0.000_5 + 1e-9

export function judgeOrder(world: World, { role, order }: StepValue<'expectOrder'>): Verdict {
  const got = role === undefined ? world.roleOrder() : world.frameworkOrder(role)
  return {
    isMet: got.length === order.length && got.every((name, index) => name === order[index]),
    expected: shown(order, order.join(', ') || 'nobody'),
    got: shown(got, got.join(', ') || 'nobody'),
  }
}

export function judgeShares(world: World, shares: StepValue<'expectShares'>): Verdict {
  const figures = Object.entries(shares).map(([key, expected]) => {
    const { role, framework } = shareOf(key)
    const got = world.share(role, framework)
    const isMet =
      expected === 'none'
        ? got === undefined
        : got !== undefined && Math.abs(got - expected) <= shareTolerance
    return { key, expected, got: got ?? 'none', isMet }
  })
  const lines = (mark: string, value: (figure: (typeof figures)[number]) => string | number) =>
    figures.map(figure => `${figure.isMet ? ' ' : mark} ${figure.key}: ${value(figure)}`)
  return {
    isMet: figures.every(({ isMet }) => isMet),
    expected: { json: shares, lines: lines('-', ({ expected }) => expected) },
    got: {
      json: Object.fromEntries(figures.map(({ key, got }) => [key, got])),
      lines: lines('+', ({ got }) => (typeof got === 'number' ? Number(got.toFixed(6)) : got)),
    },
  }
}

/** 0 is also met by a series that is not there. */
export function judgeMetric(world: World, { name, labels, value }: StepValue<'expectMetric'>): Verdict {
  const got = world.metric(name, labels)
  const list = Object.entries(labels).map(([label, text]) => `${label}="${text}"`)
  const series = list.length === 0 ? name : `${name}{${list.join(',')}}`
  return {
    isMet: meetsMetric(value, got),
    expected: shown(value, `${series} ${value}`),
    got: shown(got ?? 'none', `${series} ${got ?? 'none'}`),
  }
}

function meetsMetric(expected: number | 'none', got: number | undefined): boolean {
  if (expected === 'none') return got === undefined
  return got === undefined ? expected === 0 : Math.abs(got - expected) <= metricTolerance
}

export function judgeReason(world: World, step: StepValue<'expectExplain'>): Verdict {
  const got = world.explain(step.framework, step.role, step.agent)
  return { isMet: got === step.reason, expected: shown(step.reason), got: shown(got) }
}

export function judgeResources(expected: string, got: Resources): Verdict {
  return {
    isMet: Resources.parse(expected).equals(got),
    expected: shown(expected, expected || 'nothing'),
    got: shown(String(got), String(got) || 'nothing'),
  }
}
