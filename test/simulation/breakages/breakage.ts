/** A deliberate mistake in a compiled file: a check of the checker. */
export interface Breakage {
  readonly name: string
  /** Below the root of the project. */
  readonly file: string
  /** Is there exactly once. */
  readonly find: string
  readonly replace: string
  /** One that finds it, so that it is soon found; when others do now, they are looked for. */
  readonly seed: number
}
