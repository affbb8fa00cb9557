/**
 * Has offers made when a turn of the event loop in which something was handled is over: of all that came at once, once.
 * When very much is due, a part of it is done in each turn, so that whoever calls meanwhile is answered before the rest.
 */
export class OfferTurns {
  readonly #makeSome: () => boolean
  #isWanted = false
  #isOver = false

  /** @param makeSome makes offers, and returns whether more are due at once */
  constructor(makeSome: () => boolean) {
    this.#makeSome = makeSome
  }

  want(): void {
    if (this.#isWanted) return
    this.#isWanted = true
    setImmediate(() => {
      this.#isWanted = false
      if (!this.#isOver && this.#makeSome()) this.want()
    })
  }

  /** None any more. */
  end(): void {
    this.#isOver = true
  }
}
