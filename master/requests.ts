import { ProtocolError, type Reply } from '@tender/sdk/protocol'
import type { Clock } from '@tender/sdk/runtime'

/**
 * Requests of the web endpoint that the core answers later: when an agent, or the registry, has answered it. While this
 * master does not lead, there is nobody to answer, and none waits.
 */
export class Requests {
  readonly #clock: Clock
  #isLeading = false
  readonly #waiting = new Map<string, (reply: Reply) => void>()
  #lastId = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** There is a core to ask now. */
  begin(): void {
    this.#isLeading = true
  }

  /**
   * @param name what begins the request's id
   * @param lateReply the answer when none has come in time
   */
  async ask(
    name: string,
    timeoutMs: number,
    lateReply: string,
    ask: (requestId: string) => void,
  ): Promise<Reply> {
    if (!this.#isLeading) {
      const message = 'this master does not lead any more; nothing was done'
      return { ok: false, code: 'not-leader', message }
    }
    const requestId = `${name}-${++this.#lastId}`
    return await new Promise<Reply>(resolve => {
      const cancel = this.#clock.setTimer(timeoutMs, () =>
        this.answer(requestId, { ok: false, code: 'timeout', message: lateReply }),
      )
      this.#waiting.set(requestId, reply => {
        cancel()
        resolve(reply)
      })
      ask(requestId)
    })
  }

  answer(requestId: string, reply: Reply): void {
    const waiting = this.#waiting.get(requestId)
    this.#waiting.delete(requestId)
    waiting?.(reply)
  }

  /** Nobody will answer any more: this master does not lead. */
  end(): void {
    this.#isLeading = false
    const message = 'this master does not lead any more; whether it was done is not known'
    for (const requestId of [...this.#waiting.keys()])
      this.answer(requestId, { ok: false, code: 'not-leader', message })
  }
}

/** @throws ProtocolError what a refusal says */
export function resultOf(reply: Reply): unknown {
  if (reply.ok) return reply.result
  throw new ProtocolError(reply.code ?? 'agent-unavailable', reply.message ?? 'the call was refused')
}
