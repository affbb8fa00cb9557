import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

/** A part of the cluster as a process of its own, started as `tender` starts it (with the flags of its first line). */
export class BenchPart {
  readonly #child: ChildProcess
  #output = ''

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, ['--max-semi-space-size=2', main, ...args, '--stop-with-stdin'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#child.stdout?.on('data', (data: Buffer) => (this.#output += String(data)))
  }

  /** Resolves with what a line of its log says, once it says it. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#output)
      if (match) return match[1] ?? match[0]
      if (this.#child.exitCode !== null)
        throw new Error(`it ended with ${this.#child.exitCode}: ${this.#output}`)
      await Promise.race([once(this.#child.stdout ?? this.#child, 'data'), once(this.#child, 'exit')])
    }
  }

  /** When a line of its JSON log with this message and task was written, in milliseconds since 1970. */
  loggedAtMs(message: string, taskId: string): number {
    for (const line of this.#output.split('\n')) {
      if (!line.includes(taskId) || !line.includes(message)) continue
      const entry = JSON.parse(line) as { message: string; taskId?: string; time: string }
      if (entry.message === message && entry.taskId === taskId) return Date.parse(entry.time)
    }
    return Number.NaN
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error('the process could not be started')
    return pid
  }

  /** Does not wait for what comes of it. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Resident set, in MB (10^6 bytes). */
  async residentMb(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8')
    return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1e6
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGTERM')
    await once(this.#child, 'exit')
  }
}
