import { type FSWatcher, watch } from 'node:fs'

/** A process that is not our child tells nobody of its death: we look every second as well. */
const lookMs = 1_000

/** Says when something in a directory may have changed. */
export class Changes {
  readonly #watcher: FSWatcher | undefined
  readonly #timer: NodeJS.Timeout
  #changed = false
  #wake: (() => void) | undefined

  constructor(directory: string) {
    this.#timer = setInterval(() => this.notify(), lookMs)
    try {
      this.#watcher = watch(directory, () => this.notify())
      this.#watcher.on('error', () => undefined)
    } catch {
      // The directory is gone, or the host has run out of watches: looking every second has to do.
    }
  }

  /** Resolves at the next change, at once if there was one since the last call. */
  async next(): Promise<void> {
    if (!this.#changed) await new Promise<void>(resolve => (this.#wake = resolve))
    this.#changed = false
  }

  notify(): void {
    this.#changed = true
    this.#wake?.()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#watcher?.close()
    this.notify()
  }
}
