import { type LogChunk, ProtocolError, type Reply } from '@tender/sdk/protocol'
import type { Clock } from '@tender/sdk/runtime'
import type { LogRequest } from './core/inputs.js'

/** An agent that has not answered by then is slow or away. */
const timeoutMs = 5_000

/** Requests of the web endpoint for a task's log, until its agent has answered. */
export class LogRequests {
  readonly #clock: Clock
  readonly #ask: (requestId: string, request: LogRequest) => void
  readonly #waiting = new Map<string, (reply: Reply) => void>()
  #lastId = 0

  constructor(clock: Clock, ask: (requestId: string, request: LogRequest) => void) {
    this.#clock = clock
    this.#ask = ask
  }

  /** @throws ProtocolError `unknown-task`, `agent-unavailable` or `timeout` */
  async read(request: LogRequest): Promise<LogChunk> {
    const requestId = `log-${++this.#lastId}`
    const reply = await new Promise<Reply>(resolve => {
      this.#waiting.set(requestId, resolve)
      this.#clock.setTimer(timeoutMs, () =>
        this.answer(requestId, {
          ok: false,
          code: 'timeout',
          message: `the agent did not answer within ${timeoutMs} ms`,
        }),
      )
      this.#ask(requestId, request)
    })
    if (!reply.ok)
      throw new ProtocolError(reply.code ?? 'agent-unavailable', reply.message ?? 'the agent refused')
    return reply.result as LogChunk
  }

  answer(requestId: string, reply: Reply): void {
    this.#waiting.get(requestId)?.(reply)
    this.#waiting.delete(requestId)
  }
}
