import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { eventually } from '../dev-cluster.js'

const patienceMs = 20_000
const keptOutput = 200_000

/** Those that run: if the tests end in the middle of a story, nothing may outlive them, frozen or not. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** One part of a cluster as a process of its own, to be killed, frozen and started again. */
export class ChaosProcess {
  readonly name: string
  readonly #command: readonly string[]
  #child: ChildProcess | undefined
  /** Of this life, and of all lives, the end of it. */
  #output = ''
  #allOutput = ''
  readonly #news = new EventEmitter().setMaxListeners(100)

  /** @param command the program and its arguments; it must not fork, so that signals reach it */
  constructor(name: string, command: readonly string[]) {
    this.name = name
    this.#command = command
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get isAlive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What it has said in this life. */
  get output(): string {
    return this.#output
  }

  /** The last lines of all its lives. */
  lastLines(count: number): readonly string[] {
    return this.#allOutput.trimEnd().split('\n').slice(-count)
  }

  start(): void {
    if (this.isAlive) throw new Error(`${this.name} runs already`)
    const [program = '', ...args] = this.#command
    // In a process group of its own: Ctrl-C is for the tests, which then end all of them.
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    this.#child = child
    this.#output = ''
    running.add(child)
    const hear = (text: string) => {
      this.#output = (this.#output + text).slice(-keptOutput)
      this.#allOutput = (this.#allOutput + text).slice(-keptOutput)
      this.#news.emit('news')
    }
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        if (child === this.#child) hear(String(data))
      })
    child.once('error', error => hear(`${error.message}\n`))
    child.once('exit', (status, signal) => {
      running.delete(child)
      hear(`(${this.name} ended: ${signal ?? `exit status ${status}`})\n`)
    })
  }

  /** Resolves when it has said so in this life. */
  async says(text: string): Promise<void> {
    await this.#until(text, () => this.#output.includes(text))
  }

  /** Resolves when it says so from now on, perhaps once more. */
  async saysAgain(text: string): Promise<void> {
    const alreadySaid = this.#output.split(text).length
    await this.#until(text, () => this.#output.split(text).length > alreadySaid)
  }

  /** As a crash does: it can say and store nothing any more. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** In order. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Frozen: it does nothing, its connections stay open. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async #until(text: string, isSaid: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(patienceMs)
    while (!isSaid()) {
      if (!this.isAlive) throw new Error(`${this.name} ended before it said '${text}':\n${this.#output}`)
      await once(this.#news, 'news', { signal: deadline }).catch(() => {
        throw new Error(`${this.name} has not said '${text}':\n${this.lastLines(20).join('\n')}`)
      })
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child || !this.isAlive) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
}

/** Asks until there is an answer; what fails meanwhile counts as none, and is named if it stays so. */
export async function answered<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  let last: unknown = 'nothing'
  const answer = await eventually(
    patienceMs,
    () => ask().catch((error: unknown) => void (last = error)),
    found => found !== undefined,
  ).catch(() => {
    throw new Error(`${what}: not within ${patienceMs} ms; last came ${String(last)}`, { cause: last })
  })
  return answer as T
}
