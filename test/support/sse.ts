import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** Reads an event stream message by message, for tests. */
export class SseReader {
  readonly #abort = new AbortController()
  readonly #messages: EventSourceMessage[] = []
  #wake: (() => void) | undefined
  #isOver = false

  static async open(url: string, headers: Record<string, string> = {}): Promise<SseReader> {
    const reader = new SseReader()
    const response = await fetch(url, { headers, signal: reader.#abort.signal })
    if (response.status !== 200 || !response.body) throw new Error(`${url} answered ${response.status}`)
    void reader.#read(response.body)
    return reader
  }

  /** The next messages but heartbeats; fewer when the stream ends before. */
  async take(count: number): Promise<EventSourceMessage[]> {
    while (this.#messages.length < count && !this.#isOver) await this.#something()
    return this.#messages.splice(0, count)
  }

  /** Resolves when the other end has ended the stream. */
  async ended(): Promise<void> {
    while (!this.#isOver) await this.#something()
  }

  close(): void {
    this.#abort.abort()
  }

  #something(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const parser = createParser({
      onEvent: message => {
        if (message.event === 'heartbeat') return
        this.#messages.push(message)
        this.#wake?.()
      },
    })
    const decoder = new TextDecoder()
    try {
      for await (const bytes of body) parser.feed(decoder.decode(bytes, { stream: true }))
    } catch {
      // Broken, or closed by the test: over in either case.
    }
    this.#isOver = true
    this.#wake?.()
  }
}
