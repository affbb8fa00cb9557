/** What was expected or what came: for programs, and in lines that a person can compare. */
export interface Shown {
  readonly json: unknown
  readonly lines: readonly string[]
}

/** What an expectation came to. */
export interface Verdict {
  readonly isMet: boolean
  readonly expected: Shown
  readonly got: Shown
}

/** One value on one line. */
export function shown(json: unknown, line = String(json)): Shown {
  return { json, lines: [line] }
}

/** `nothing` rather than no line. */
export function linesOr(lines: readonly string[], none: string): readonly string[] {
  return lines.length === 0 ? [none] : lines
}
