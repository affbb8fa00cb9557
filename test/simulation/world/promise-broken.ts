/** An oracle has seen what must not be. */
export class PromiseBroken extends Error {
  override readonly name = 'PromiseBroken'
  readonly oracle: string

  constructor(oracle: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.oracle = oracle
  }
}
