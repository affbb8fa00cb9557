import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

export interface ChildOptions {
  /** `master`, `agent-1` … */
  readonly name: string
  /** Arguments of `tender`. */
  readonly args: readonly string[]
  readonly logFile: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** It ended although nobody asked it to; it is started again after a second. */
  readonly onCrash: (name: string, how: string) => void
  /** It runs, at first or again. */
  readonly onStart: (name: string, pid: number) => void
}

const restartMs = 1_000

/**
 * One part of the cluster as a process of its own. It is kept running until `stop`; and since it watches its standard
 * input, it ends with this process, however that ends.
 */
export class Child {
  readonly name: string
  readonly #options: ChildOptions
  #process: ChildProcess | undefined
  #restart: NodeJS.Timeout | undefined
  #stopping = false

  constructor(options: ChildOptions) {
    this.name = options.name
    this.#options = options
    this.#start()
  }

  /** Asks it to end and waits; it is killed when it has not ended in time. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#restart)
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      child.once('exit', () => {
        clearTimeout(timer)
        resolve()
      })
      child.kill('SIGTERM')
    })
  }

  #start(): void {
    const { name, args, logFile, env, onCrash, onStart } = this.#options
    const main = process.argv[1] ?? ''
    const log = openSync(logFile, 'a')
    // A process group of its own: Ctrl-C on the terminal is for this process, which stops the parts in order.
    const child = spawn(process.execPath, [...nodeFlags, main, ...args, '--stop-with-stdin'], {
      stdio: ['pipe', log, log],
      detached: true,
      env: { ...env },
    })
    closeSync(log)
    this.#process = child
    if (child.pid !== undefined) onStart(name, child.pid)
    child.on('error', error => onCrash(name, error.message))
    child.on('exit', (code, signal) => {
      if (this.#stopping) return
      onCrash(name, signal === null ? `exit status ${code}` : `signal ${signal}`)
      this.#restart = setTimeout(() => this.#start(), restartMs)
    })
  }
}

/** As in the first line of `main.ts`: these processes hold little, and by default garbage grows to tens of megabytes. */
const nodeFlags = ['--max-semi-space-size=2']
