/** A deliberate mistake in a compiled file: a check of the checker. */
export interface Breakage {
  readonly name: string
  /** Below the root of the project. */
  readonly file: string
  /** Is there exactly once. */
  readonly find: string
  readonly replace: string
}
