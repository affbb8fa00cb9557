import {
  type KeyValueStore,
  type StoreChange,
  StoreConflictError,
  type StoreEntry,
} from '@tender/sdk/runtime'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'

/**
 * What everybody may rely on in a store. The fake and the real one are held to it alike.
 *
 * @param open an empty store; with `ttlMs`, one whose entries vanish
 * @param wait lets so much time pass as the store counts it
 */
export function behavesLikeAStore(
  open: (options?: { ttlMs: number }) => Promise<KeyValueStore>,
  wait: (ms: number) => Promise<void>,
): void {
  describe('as a store', () => {
    let store: KeyValueStore

    beforeEach(async () => {
      store = await open()
    })

    it('gives back what was put, with the revision that the put told', async () => {
      const revision = await store.put('a.b', 'one')
      expect(await store.get('a.b')).to.deep.equal({ key: 'a.b', value: 'one', revision })
      expect(await store.get('a')).to.equal(undefined)
    })

    it('keeps any text, the empty one too', async () => {
      for (const value of ['', 'ü €\n"\u0000', JSON.stringify({ a: 'x'.repeat(100_000) })]) {
        await store.put('a', value)
        expect((await store.get('a'))?.value).to.equal(value)
      }
    })

    it('has revisions that grow with every write, across keys', async () => {
      const revisions = [await store.put('b', '1'), await store.put('a', '1'), await store.put('b', '2')]
      expect(revisions).to.deep.equal(revisions.toSorted((x, y) => x - y))
      expect(new Set(revisions).size).to.equal(3)
      await store.delete('a')
      expect(await store.create('a', '2')).to.be.greaterThan(revisions[2] ?? 0)
    })

    it('lists by key, all or by how keys begin, without what was deleted', async () => {
      expect(await store.list()).to.deep.equal([])
      for (const key of ['b.2', 'a.1', 'b.1', 'b.3']) await store.put(key, `is ${key}`)
      await store.delete('b.3')
      const listed = async (prefix?: string) =>
        (await store.list(prefix)).map(({ key, value }) => [key, value])
      expect(await listed('b.')).to.deep.equal([
        ['b.1', 'is b.1'],
        ['b.2', 'is b.2'],
      ])
      expect((await listed()).map(([key]) => key)).to.deep.equal(['a.1', 'b.1', 'b.2'])
      expect(await listed('c')).to.deep.equal([])
    })

    it('lists nothing when all has been deleted', async () => {
      await store.put('a', '1')
      await store.delete('a')
      expect(await store.list()).to.deep.equal([])
    })

    it('lists many', async () => {
      await Promise.all(Array.from({ length: 300 }, (_, index) => store.put(`k.${index}`, 'x')))
      expect(await store.list('k.')).to.have.length(300)
    })

    it('creates a key once, and again after it was deleted', async () => {
      await store.create('a', '1')
      await conflict(store.create('a', '2'))
      expect((await store.get('a'))?.value).to.equal('1')
      await store.delete('a')
      await store.create('a', '3')
      expect((await store.get('a'))?.value).to.equal('3')
    })

    it('lets one of many creators win', async () => {
      const attempts = await Promise.allSettled(['1', '2', '3', '4'].map(value => store.create('a', value)))
      expect(attempts.filter(({ status }) => status === 'fulfilled')).to.have.length(1)
    })

    it('updates only what is as the writer thinks', async () => {
      const first = await store.put('a', '1')
      const second = await store.update('a', '2', first)
      await conflict(store.update('a', 'late', first))
      expect(await store.get('a')).to.deep.equal({ key: 'a', value: '2', revision: second })
      await store.put('other', '1')
      await store.update('a', '3', second)
    })

    it('does not update what has been deleted, nor what never was', async () => {
      const revision = await store.put('a', '1')
      await store.delete('a')
      await conflict(store.update('a', '2', revision))
      await conflict(store.update('b', '1', 5))
      expect(await store.list()).to.deep.equal([])
    })

    it('appends, and removes, only when nothing at all was written since', async () => {
      const first = await store.append('a', '1')
      const second = await store.append('b', '1', first)
      await conflict(store.append('a', 'late', first))
      const third = await store.append('a', undefined, second)
      await conflict(store.append('b', 'late', second))
      const fourth = await store.append('a', '2', third)
      expect([first, second, third, fourth].every((at, index, all) => at > (all[index - 1] ?? 0))).to.equal(
        true,
      )
      expect(await store.list()).to.deep.equal([
        { key: 'a', value: '2', revision: fourth },
        { key: 'b', value: '1', revision: second },
      ])
      await store.append('c', undefined)
      await conflict(store.append('a', 'late', fourth))
    })

    it('deletes only what is as the writer thinks, where it says so', async () => {
      const first = await store.put('a', '1')
      const second = await store.put('a', '2')
      await conflict(store.delete('a', first))
      expect((await store.get('a'))?.value).to.equal('2')
      await store.delete('a', second)
      expect(await store.get('a')).to.equal(undefined)
    })

    it('deletes what is not there without a word', async () => {
      await store.delete('never')
      expect(await store.get('never')).to.equal(undefined)
    })

    it('lets entries vanish some time after their last write, where told', async () => {
      const ttlMs = 400
      const leases = await open({ ttlMs })
      let revision = await leases.create('a', '1')
      await wait(ttlMs / 2)
      revision = await leases.update('a', '2', revision)
      await wait(ttlMs * 0.7)
      expect((await leases.get('a'))?.value).to.equal('2')
      await wait(ttlMs)
      expect(await leases.get('a')).to.equal(undefined)
      expect(await leases.list()).to.deep.equal([])
      await conflict(leases.update('a', '3', revision))
      expect(await leases.create('a', '4')).to.be.greaterThan(revision)
    })

    it('tells of an entry as it is, and of each change', async () => {
      const first = await store.put('a', '1')
      const told = new Told()
      const stop = store.watch?.('a', told.listener)
      await told.count(1)
      const second = await store.update('a', '2', first)
      await store.put('b', 'another')
      await told.count(2)
      await store.delete('a')
      await told.count(3)
      const third = await store.create('a', '3')
      await told.count(4)
      stop?.()
      expect(told.entries).to.deep.equal([
        { key: 'a', value: '1', revision: first },
        { key: 'a', value: '2', revision: second },
        undefined,
        { key: 'a', value: '3', revision: third },
      ])
    })

    it('tells nothing of what is not there, nor of what was deleted before, nor after it is stopped', async () => {
      await store.put('a', '1')
      await store.delete('a')
      const told = new Told()
      const stops = [store.watch?.('a', told.listener), store.watch?.('never', told.listener)]
      const later = new Told()
      store.watch?.('a', later.listener)
      await store.put('a', '2')
      await told.count(1)
      await later.count(1)
      for (const stop of stops) stop?.()
      await store.put('a', '3')
      await later.count(2)
      expect(told.entries.map(entry => entry?.value)).to.deep.equal(['2'])
    })

    it('tells a follower all that is there, by revision, and then each change of any key', async () => {
      const first = await store.put('b.1', '1')
      const second = await store.put('a', '2')
      await store.put('c', 'replaced')
      const deleted = await store.append('c', undefined)
      const follower = new Followed()
      store.follow?.(follower.take)
      await follower.reaches(deleted)
      const third = await store.put('b.1', '3')
      const never = await store.append('never', undefined)
      const fourth = await store.append('c', '', never)
      await follower.reaches(fourth)
      expect(follower.changes).to.deep.equal([
        { kind: 'begun' },
        { kind: 'written', entry: { key: 'b.1', value: '1', revision: first } },
        { kind: 'written', entry: { key: 'a', value: '2', revision: second } },
        { kind: 'deleted', key: 'c', revision: deleted },
        { kind: 'written', entry: { key: 'b.1', value: '3', revision: third } },
        { kind: 'deleted', key: 'never', revision: never },
        { kind: 'written', entry: { key: 'c', value: '', revision: fourth } },
      ])
    })

    it('has told a follower all that was written before what it tells, also while it is being written', async () => {
      await Promise.all(numbered(300, key => store.put(key, 'before')))
      const writing = Promise.all(
        numbered(300, (key, index) => (index % 2 === 0 ? store.put(key, 'after') : store.delete(key))),
      )
      const follower = new Followed()
      store.follow?.(follower.take)
      await writing
      await follower.reaches(await store.append('fence', undefined))
      expect(follower.entries).to.deep.equal(await store.list())
      expect(follower.entries).to.have.length(150)
      const { revisions } = follower
      expect(revisions).to.deep.equal(revisions.toSorted((a, b) => a - b))
    })

    it('tells each follower, from an empty store on, until it is stopped', async () => {
      const [stopped, follower] = [new Followed(), new Followed()]
      const stop = store.follow?.(stopped.take)
      store.follow?.(follower.take)
      const first = await store.put('a', '1')
      await Promise.all([stopped.reaches(first), follower.reaches(first)])
      stop?.()
      await follower.reaches(await store.put('a', '2'))
      expect([stopped, follower].map(({ entries }) => entries.map(({ value }) => value))).to.deep.equal([
        ['1'],
        ['2'],
      ])
    })
  })
}

function numbered<T>(count: number, make: (key: string, index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(`k.${index}`, index))
}

/** Writes down what a follower is told, and what it knows by that. */
export class Followed {
  readonly changes: StoreChange[] = []
  readonly #entries = new Map<string, StoreEntry>()
  #heard: () => void = () => {}

  readonly take = (change: StoreChange): void => {
    this.changes.push(change)
    if (change.kind === 'begun') this.#entries.clear()
    else if (change.kind === 'written') this.#entries.set(change.entry.key, change.entry)
    else this.#entries.delete(change.key)
    this.#heard()
  }

  get entries(): StoreEntry[] {
    return [...this.#entries.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }

  /** Told since it has last begun. */
  get revisions(): number[] {
    const begun = this.changes.findLastIndex(({ kind }) => kind === 'begun')
    return this.changes.slice(begun).flatMap(change => {
      if (change.kind === 'begun') return []
      return [change.kind === 'written' ? change.entry.revision : change.revision]
    })
  }

  async reaches(revision: number): Promise<void> {
    await this.#until(() => (this.revisions.at(-1) ?? 0) >= revision)
  }

  async begins(times: number): Promise<void> {
    await this.#until(() => this.changes.filter(({ kind }) => kind === 'begun').length >= times)
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>(resolve => {
        this.#heard = resolve
      })
    }
  }
}

/** Writes down what a watch tells. */
class Told {
  readonly entries: (StoreEntry | undefined)[] = []
  #heard: () => void = () => {}

  readonly listener = (entry: StoreEntry | undefined): void => {
    this.entries.push(entry)
    this.#heard()
  }

  async count(count: number): Promise<void> {
    while (this.entries.length < count) {
      await new Promise<void>(resolve => {
        this.#heard = resolve
      })
    }
  }
}

async function conflict(write: Promise<unknown>): Promise<void> {
  const error = await write.then(
    () => 'no error',
    (reason: unknown) => reason,
  )
  expect(error).to.be.instanceOf(StoreConflictError)
  expect(String(error)).to.match(/'[ab]' was changed by somebody else/)
}
