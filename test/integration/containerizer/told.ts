import type { AgentHealth } from '@tender/sdk/protocol'
import type {
  ContainerExit,
  ContainerizerEvents,
  StartedContainer,
  TaskKey,
} from '../../../agent/containerizer/containerizer.js'

/** Keeps what a containerizer tells, and lets a test wait for it. */
export class Told implements ContainerizerEvents {
  readonly exits: ContainerExit[] = []
  readonly pulls: string[] = []
  readonly adoptions: StartedContainer[] = []
  readonly orphans: TaskKey[] = []
  readonly healths: AgentHealth[] = []
  readonly #waiting: (() => void)[] = []

  exited(exit: ContainerExit): void {
    this.#told(this.exits, exit)
  }

  pulling(_task: TaskKey, image: string): void {
    this.#told(this.pulls, image)
  }

  adopted(container: StartedContainer): void {
    this.#told(this.adoptions, container)
  }

  orphansFound(orphans: readonly TaskKey[]): void {
    this.#told(this.orphans, ...orphans)
  }

  health(health: AgentHealth): void {
    this.#told(this.healths, health)
  }

  exitOf({ taskId }: TaskKey): Promise<ContainerExit> {
    return this.until(() => this.exits.find(exit => exit.taskId === taskId))
  }

  /** Resolves with what is looked for, when it has been told. */
  async until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  #told<T>(list: T[], ...news: T[]): void {
    list.push(...news)
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
