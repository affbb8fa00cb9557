import { constants } from 'node:fs'
import {
  closeOutputFiles,
  openOutputFiles,
  type OutputFiles,
  type OutputName,
  outputNames,
} from '../output-files.js'
import { LogFrames } from './log-frames.js'

/** The sandbox could not be written, which trying again would not change. */
export class SandboxWriteError extends Error {}

/**
 * Copies a container's log into its sandbox. Each copy is from the log's beginning, so nothing is missing however often
 * the agent or the engine was restarted. It is written over what is there, which is the same: a reader sees the files
 * grow and never shrink.
 */
export class LogCopy {
  readonly #files: OutputFiles

  private constructor(files: OutputFiles) {
    this.#files = files
  }

  /** For a task that is about to start. */
  static async empty(sandbox: string): Promise<LogCopy> {
    return new LogCopy(await openOutputFiles(sandbox, constants.O_TRUNC))
  }

  /** For a task that was started before. */
  static async again(sandbox: string): Promise<LogCopy> {
    return new LogCopy(await openOutputFiles(sandbox))
  }

  /** Resolves when the stream has ended as it should; throws when it broke off. */
  async copy(stream: AsyncIterable<string | Buffer>): Promise<void> {
    const frames = new LogFrames()
    const written: Record<OutputName, number> = { stdout: 0, stderr: 0 }
    for await (const chunk of stream) {
      const pieces = frames.push(asBuffer(chunk))
      for (const name of outputNames) {
        // One write for each chunk: a log of short lines would otherwise be a write for each line.
        const bytes = Buffer.concat(pieces.filter(piece => piece.name === name).map(piece => piece.bytes))
        await this.#write(name, bytes, written[name])
        written[name] += bytes.length
      }
    }
    for (const name of outputNames) await this.#files[name].truncate(written[name])
  }

  async close(): Promise<void> {
    await closeOutputFiles(this.#files)
  }

  async #write(name: OutputName, bytes: Buffer, position: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#files[name].write(
          bytes,
          done,
          bytes.length - done,
          position + done,
        )
        done += bytesWritten
      }
    } catch (cause) {
      throw new SandboxWriteError(`${name} could not be written`, { cause })
    }
  }
}

/** Streams are typed as giving either; without an encoding they give buffers. */
function asBuffer(chunk: string | Buffer): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk
}
