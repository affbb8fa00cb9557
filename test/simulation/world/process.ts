import type { Millis } from '@tender/sdk/runtime'
import type { Connection } from './network.js'
import { ProcessClock } from './process-clock.js'
import type { World } from './world.js'

/** Thrown through a step whose process dies in the middle of its commands. */
class Crashed extends Error {}

/**
 * A process: it is started, and may crash at any point, be paused and be slow. What is meant for an earlier life of it
 * never reaches a later one.
 */
export abstract class SimulatedProcess {
  readonly name: string
  protected readonly world: World
  readonly clock: ProcessClock
  /** Each input waits so long for its turn. */
  slowMs = 0
  #life = 0
  #isUp = false
  #paused: (() => void)[] | undefined
  #busyUntilMs = 0
  /** So many more commands are performed, then it dies. */
  #fuse: number | undefined
  /** What it does last. */
  #fatal: string | undefined

  constructor(world: World, name: string) {
    this.world = world
    this.name = name
    this.clock = new ProcessClock(world.timeline)
  }

  get life(): number {
    return this.#life
  }

  get isUp(): boolean {
    return this.#isUp
  }

  get isPaused(): boolean {
    return this.#paused !== undefined
  }

  start(): void {
    if (this.#isUp) return
    this.#life++
    this.#isUp = true
    this.#busyUntilMs = 0
    this.clock.restart()
    this.world.tell({ kind: 'process-started', process: this.name, life: this.#life })
    this.#guard(() => this.onStart())
  }

  /** Dies at once. */
  crash(): void {
    if (!this.#isUp) return
    this.#isUp = false
    this.#paused = undefined
    this.defuse()
    this.onEnd()
    this.world.tell({ kind: 'process-ended', process: this.name, life: this.#life })
  }

  /** Dies as soon as it has performed a command of this kind. */
  crashAt(kind: string): void {
    this.#fatal = kind
  }

  /** Dies after so many more commands. */
  crashAfter(commands: number): void {
    this.#fuse = commands
  }

  /** It is not to die any more. */
  defuse(): void {
    this.#fuse = undefined
    this.#fatal = undefined
  }

  pause(): void {
    if (this.#isUp) this.#paused ??= []
  }

  resume(): void {
    const waiting = this.#paused
    this.#paused = undefined
    for (const act of waiting ?? []) act()
  }

  protected abstract onStart(): void
  /** Connections break; nothing can be said any more. */
  protected abstract onEnd(): void

  protected now(): Millis {
    return this.clock.now()
  }

  /** For what comes from outside: it comes later while the process is paused or slow, and never to another life. */
  protected whenAlive<A extends unknown[]>(act: (...args: A) => void): (...args: A) => void {
    const life = this.#life
    const arrive = (args: A): void => {
      if (!this.#isUp || this.#life !== life) return
      if (this.#paused) {
        this.#paused.push(() => arrive(args))
        return
      }
      const { now } = this.world.timeline
      if (this.slowMs > 0) this.#busyUntilMs = Math.max(this.#busyUntilMs, now) + this.slowMs
      if (this.#busyUntilMs <= now) return this.#guard(() => act(...args))
      this.world.timeline.at(this.#busyUntilMs, () => {
        if (!this.#isUp || this.#life !== life) return
        if (this.#paused) this.#paused.push(() => this.#guard(() => act(...args)))
        else this.#guard(() => act(...args))
      })
    }
    return (...args) => arrive(args)
  }

  protected after(delayMs: number, act: () => void): void {
    this.world.timeline.after(delayMs, this.whenAlive(act))
  }

  protected soon(act: () => void): void {
    this.world.timeline.soon(this.whenAlive(act))
  }

  protected every(periodMs: number, act: () => void): void {
    const turn = this.whenAlive(() => {
      this.world.timeline.after(periodMs, turn)
      act()
    })
    this.world.timeline.after(periodMs, turn)
  }

  /** Before each command that reaches the outside, with its kind. */
  protected burn(kind: string): void {
    if (this.#fuse !== undefined && this.#fuse-- <= 0) {
      this.#die()
      throw new Crashed()
    }
    if (kind !== this.#fatal) return
    this.#fuse = 0
    this.soon(() => {
      if (this.#fuse === 0) this.#die()
    })
  }

  #die(): void {
    this.world.trace(
      this.name,
      `dies${this.#fatal === undefined ? ' between two commands' : `, having said ${this.#fatal}`}`,
    )
    this.crash()
    this.world.supervise(this)
  }

  protected connect(onStatus: (status: 'connected' | 'disconnected') => void): Connection {
    return this.world.network.connect(this.name, this.whenAlive(onStatus))
  }

  #guard(act: () => void): void {
    try {
      act()
    } catch (error) {
      if (!(error instanceof Crashed)) throw error
    }
  }
}
