import type { ContainerExit, TaskKey } from '../containerizer.js'
import { Changes } from './changes.js'
import { type ControlFacts, readControlFacts } from './control-directory.js'
import { isAlive, type ProcessIdentity } from './identity.js'
import { killSession } from './session.js'

type Ending = Omit<ContainerExit, keyof TaskKey>

/** A supervisor that has claimed its task has told who the task is well within this. */
const startTellMs = 5_000

/** What a task's control directory tells, and when there is news. */
export class ProcessWatch {
  readonly #directory: string
  readonly #changes: Changes
  #closed = false

  constructor(directory: string) {
    this.#directory = directory
    this.#changes = new Changes(directory)
  }

  /** There may be news; e.g. the supervisor, our child, has ended. */
  notify(): void {
    this.#changes.notify()
  }

  close(): void {
    this.#closed = true
    this.#changes.close()
  }

  /** Who the task is, once its supervisor has told; undefined when that never came to be. */
  async started(now: () => number, supervisorGone: () => boolean): Promise<ProcessIdentity | undefined> {
    const giveUpAt = now() + startTellMs
    for (;;) {
      const gone = supervisorGone() || now() >= giveUpAt
      const { task, exitCode } = await readControlFacts(this.#directory)
      if (task) return task
      if (gone || exitCode !== undefined) return undefined
      await this.#changes.next()
    }
  }

  /** How the task ended, when it has. Undefined: the watch was closed first. */
  async ended(task: ProcessIdentity): Promise<Ending | undefined> {
    for (;;) {
      const facts = await readControlFacts(this.#directory)
      const ending = exitOf(facts) ?? (await this.#lostEnding(facts, task))
      if (this.#closed) return undefined
      if (ending) return ending
      await this.#changes.next()
    }
  }

  /** Without its supervisor, a task's exit code is lost, but not the task: it is watched until it is gone. */
  async #lostEnding({ supervisor }: ControlFacts, task: ProcessIdentity): Promise<Ending | undefined> {
    if (supervisor && (await isAlive(supervisor))) return undefined
    // It may have told the exit, and ended, between our two looks.
    const exit = exitOf(await readControlFacts(this.#directory))
    if (exit) return exit
    if (await isAlive(task)) return undefined
    await killSession(task)
    return { outOfMemory: false, message: 'the process is gone, and so is its supervisor: exit code unknown' }
  }
}

function exitOf({ exitCode }: ControlFacts): Ending | undefined {
  return exitCode === undefined ? undefined : { exitCode, outOfMemory: false }
}
