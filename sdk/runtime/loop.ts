/** Handles one input to its end, commands included. */
export type Handler<Input> = (input: Input) => Promise<void> | void

/**
 * One input at a time: an input waits until all commands of the one before have been performed. It is what lets a
 * core be a plain function. A handler that throws is a bug, and stops the loop.
 */
export class Loop<Input> {
  readonly #handle: Handler<Input>
  readonly #onBug: (error: unknown) => void
  #queue: Input[] = []
  #running = false
  #stopped = false
  readonly #idle: (() => void)[] = []

  constructor(handle: Handler<Input>, onBug: (error: unknown) => void) {
    this.#handle = handle
    this.#onBug = onBug
  }

  push(input: Input): void {
    if (this.#stopped) return
    this.#queue.push(input)
    if (!this.#running) void this.#run()
  }

  /** Resolves when nothing waits and nothing is being handled. */
  async idle(): Promise<void> {
    if (this.#running) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  /** Takes no more input; what waits is dropped. */
  stop(): void {
    this.#stopped = true
    this.#queue = []
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      while (this.#queue.length > 0 && !this.#stopped) {
        const batch = this.#queue
        this.#queue = []
        for (const input of batch) {
          if (this.#stopped) break
          const performed = this.#handle(input)
          if (performed) await performed
        }
      }
    } catch (error) {
      this.stop()
      this.#onBug(error)
    } finally {
      this.#running = false
      for (const resolve of this.#idle.splice(0)) resolve()
    }
  }
}
