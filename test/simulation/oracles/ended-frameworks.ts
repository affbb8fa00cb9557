import type { Fact, Key } from '../world/facts.js'

/** Whose tasks need not run any more, since an operator has torn their framework down, or may have. */
export class EndedFrameworks {
  /** By framework: the tasks that were asked for. */
  readonly #asked = new Map<string, Set<Key>>()
  /** Being torn down; whether it is done is not known yet, or never will be. */
  readonly #unsure = new Set<string>()
  /** Of a framework that was torn down after they had been asked for. */
  readonly #ended = new Set<Key>()
  /** By framework: those that had been asked for before the order was given. */
  readonly #before = new Map<string, readonly Key[]>()
  /** These must end: their framework was torn down for certain. */
  readonly #mustEnd = new Set<Key>()

  get mustEnd(): ReadonlySet<Key> {
    return this.#mustEnd
  }

  see(fact: Fact): void {
    if (fact.kind === 'launch-asked') {
      const [frameworkId = ''] = fact.key.split('/')
      const asked = this.#asked.get(frameworkId) ?? new Set()
      this.#asked.set(frameworkId, asked.add(fact.key))
      return
    }
    if (fact.kind !== 'operator-asked' && fact.kind !== 'operator-answered') return
    if (fact.call.kind !== 'tear-down') return
    const { frameworkId } = fact.call
    const asked = [...(this.#asked.get(frameworkId) ?? [])]
    if (fact.kind === 'operator-asked') {
      this.#unsure.add(frameworkId)
      this.#before.set(frameworkId, asked)
    } else if (fact.reply && fact.reply.code !== 'registry-unavailable') {
      // What could not be stored, as far as the answer knows, may have been: the next leader finds it.
      this.#unsure.delete(frameworkId)
      if (!fact.reply.ok) return
      for (const key of asked) this.#ended.add(key)
      for (const key of this.#before.get(frameworkId) ?? []) this.#mustEnd.add(key)
    }
  }

  mayHaveEnded(key: Key): boolean {
    return this.#ended.has(key) || this.#unsure.has(key.split('/')[0] ?? '')
  }
}
