import { once } from 'node:events'
import { type LogChunk, ProtocolError } from '@tender/sdk/protocol'
import type { Clock } from '@tender/sdk/runtime'
import type { Response } from 'express'
import { HttpError } from './errors.js'

const chunkBytes = 128 * 1024
const pollMs = 200

export interface LogStreamOptions {
  readonly read: (offset: number, maxBytes: number) => Promise<LogChunk>
  readonly clock: Clock
  /** Negative: from the end. */
  readonly offset: number
  readonly limit: number
  readonly follow: boolean
}

/**
 * Writes a task's output, a chunk at a time and no faster than the client takes it. Without `follow` it ends where the
 * log ended when it was first read, so that a busy task's log has an end too.
 */
export async function streamLog(response: Response, options: LogStreamOptions): Promise<void> {
  const { clock, follow } = options
  const first = await firstChunk(options)
  response.status(200).type('text/plain; charset=utf-8')
  if (!follow) response.set({ 'X-Log-Size': String(first.size), 'X-Log-Offset': String(first.offset) })
  response.flushHeaders()
  if (response.req.method === 'HEAD') {
    response.end()
    return
  }

  const endOffset = first.offset + options.limit
  let chunk = first
  for (;;) {
    const data = chunk.data.subarray(0, endOffset - chunk.offset)
    const offset = chunk.offset + data.length
    if (data.length > 0 && !response.write(data)) await drained(response)
    const lastOffset = follow ? endOffset : Math.min(endOffset, first.size)
    const isComplete = offset >= lastOffset || (chunk.ended && offset >= chunk.size)
    // An empty chunk without follow: the log was cut off meanwhile.
    if (isComplete || (!follow && data.length === 0)) break
    if (data.length === 0) await pause(clock)
    if (response.destroyed) return
    chunk = await options.read(offset, Math.min(chunkBytes, endOffset - offset))
  }
  response.end()
}

/** Nothing is written yet, so what goes wrong here is answered in words; later a broken connection must say it. */
async function firstChunk({ read, offset, limit }: LogStreamOptions): Promise<LogChunk> {
  try {
    return await read(offset, Math.max(1, Math.min(chunkBytes, limit)))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    const code = error.code === 'unknown-task' ? 'not-found' : 'agent-unavailable'
    throw new HttpError({ code, message: `the log cannot be read: ${error.message}` }, { cause: error })
  }
}

async function drained(response: Response): Promise<void> {
  if (response.destroyed) return
  const left = new AbortController()
  const leave = () => left.abort()
  response.once('close', leave)
  // A client that goes away meanwhile is no error: the next look at `destroyed` ends the reading.
  await once(response, 'drain', { signal: left.signal }).catch(() => {})
  response.off('close', leave)
}

function pause(clock: Clock): Promise<void> {
  return new Promise(resolve => {
    clock.setTimer(pollMs, resolve)
  })
}
