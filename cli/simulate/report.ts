import pc from 'picocolors'
import { offerText } from './expectations/offers.js'
import type { Failure, Happening, Outcome } from './run.js'
import type { Scenario } from './scenario-file.js'

/** Tells what happened, as it happens. */
export interface Report {
  happened(scenario: Scenario, happening: Happening): void
  ended(outcome: Outcome): void
  /** After the last one. */
  sum(outcomes: readonly Outcome[]): void
}

type Print = (line: string) => void

/** One line an event. */
export function jsonReport(print: Print, options: { explain: boolean }): Report {
  return {
    happened(scenario, happening) {
      if (happening.kind === 'skip' && !options.explain) return
      const { step, atMs, kind } = happening
      const { name, file } = scenario
      print(JSON.stringify({ step, atMs, kind, ...fieldsOf(happening), scenario: name, file }))
    },
    ended() {},
    sum() {},
  }
}

function fieldsOf(happening: Happening): object {
  switch (happening.kind) {
    case 'offer':
    case 'rescind': {
      const { framework, role, agent, resources } = happening
      return { framework, role, agent, resources: String(resources) }
    }
    case 'inverseOffer': {
      const { framework, agent, startMs } = happening
      return { framework, agent, startMs }
    }
    case 'skip': {
      const { framework, role, agent, reason } = happening
      return { framework, role, agent, reason }
    }
    case 'error':
      return { code: happening.code, message: happening.message }
    case 'expect': {
      const { isMet, expected, got } = happening.verdict
      return { ok: isMet, expected: expected.json, got: got.json }
    }
  }
}

/** For people: a line for each scenario, and below it why it failed; with `explain`, all that happened. */
export function textReport(print: Print, options: { explain: boolean }): Report {
  let happenings: string[] = []
  return {
    happened(_, happening) {
      if (options.explain) happenings.push(textOf(happening))
    },
    ended({ scenario, failure }) {
      print(`${failure ? pc.red('✗') : pc.green('✓')} ${scenario.name}`)
      for (const line of [...happenings, ...(failure ? failureLines(scenario, failure) : [])])
        print(`  ${line}`)
      happenings = []
    },
    sum(outcomes) {
      const failed = outcomes.filter(({ failure }) => failure).length
      const scenarios = outcomes.length === 1 ? '1 scenario' : `${outcomes.length} scenarios`
      print(failed === 0 ? `${scenarios}, all as expected` : `${scenarios}, ${failed} failed`)
    },
  }
}

function textOf(happening: Happening): string {
  const { step, atMs } = happening
  return `step ${step}, ${seconds(atMs)}: ${whatOf(happening)}`
}

function whatOf(happening: Happening): string {
  switch (happening.kind) {
    case 'offer':
      return `offer to ${offerText(happening)}`
    case 'rescind':
      return `rescind from ${offerText(happening)}`
    case 'inverseOffer':
      return `inverse offer to framework ${happening.framework}, agent ${happening.agent}, start ${seconds(happening.startMs)}`
    case 'skip':
      return `no offer to framework ${happening.framework}, role ${happening.role}, agent ${happening.agent}: ${happening.reason}`
    case 'error':
      return `refused (${happening.code}): ${happening.message}`
    case 'expect':
      return happening.verdict.isMet ? 'as expected' : 'not as expected'
  }
}

export function failureLines(scenario: Scenario, { step, atMs, reason }: Failure): string[] {
  const place = step
    ? `${scenario.file}:${step.line}: step ${step.number} '${step.kind}' at ${seconds(atMs)}`
    : scenario.file
  if (typeof reason === 'string') {
    const [first = '', ...more] = reason.split('\n')
    return [`${place}: ${first}`, ...more]
  }
  const { expected, got } = reason
  const indented = (lines: readonly string[]) => lines.map(line => `  ${line}`)
  return [place, 'expected:', ...indented(expected.lines), 'got:', ...indented(got.lines)]
}

/** Exact, as `advance` reads it. */
function seconds(ms: number): string {
  return `${ms / 1_000}s`
}
