import { type KeyValueStore, silentLog, type StoreEntry } from '@tender/sdk'
import { MemoryStore, VirtualClock } from '@tender/sdk/testing'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { Elector } from '../../../master/election/elector.js'

const leaseMs = 1_000

/** A store that can be cut off: its calls fail, before or after they have been done. */
class CutStore implements KeyValueStore {
  /** Nothing arrives. */
  isAway = false
  /** What is written arrives, but not its answer. */
  losesAnswers = false
  readonly #store: KeyValueStore
  #held = Promise.resolve()

  constructor(store: KeyValueStore) {
    this.#store = store
  }

  /** Lets what is asked from now on be done, but not be answered until the returned function is called. */
  holdAnswers(): () => void {
    let answer = () => {}
    this.#held = new Promise(resolve => {
      answer = resolve
    })
    return () => answer()
  }

  get = (key: string): Promise<StoreEntry | undefined> => this.#call(() => this.#store.get(key))
  list = (prefix?: string): Promise<StoreEntry[]> => this.#call(() => this.#store.list(prefix))
  put = (key: string, value: string) => this.#call(() => this.#store.put(key, value))
  create = (key: string, value: string) => this.#call(() => this.#store.create(key, value))
  update = (key: string, value: string, revision: number) =>
    this.#call(() => this.#store.update(key, value, revision))
  append = (key: string, value: string | undefined, after?: number) =>
    this.#call(() => this.#store.append(key, value, after))
  delete = (key: string, revision?: number) => this.#call(() => this.#store.delete(key, revision))

  async #call<T>(call: () => Promise<T>): Promise<T> {
    if (this.isAway) throw new Error('the store is away')
    const answer = await call()
    await this.#held
    if (this.losesAnswers) throw new Error('the answer was lost')
    return answer
  }
}

describe('the election', () => {
  let clock: VirtualClock
  let lease: MemoryStore

  beforeEach(() => {
    clock = new VirtualClock()
    lease = new MemoryStore({ clock, ttlMs: leaseMs })
  })

  /** A master that stands for election; `story` tells what became of it. */
  async function candidate(masterId: string, watched?: KeyValueStore) {
    const story: string[] = []
    const store = new CutStore(lease)
    let isAlive = true
    const elector = new Elector({
      store: watched ?? store,
      self: { masterId, httpUrl: `http://${masterId}` },
      leaseMs,
      clock: {
        now: () => clock.now(),
        setTimer: (delayMs, callback) => clock.setTimer(delayMs, () => isAlive && callback()),
      },
      log: silentLog,
      events: {
        elected: epoch => story.push(`elected ${epoch}`),
        deposed: reason => story.push(`deposed: ${reason}`),
        following: leader => story.push(`following ${leader?.masterId ?? 'nobody'}`),
      },
    })
    elector.start()
    await clock.advance(0)
    const die = () => {
      isAlive = false
    }
    return { elector, store, story, die }
  }

  it('makes the first one leader, whom the others follow', async () => {
    const [a, b] = [await candidate('a'), await candidate('b')]
    await clock.advance(10 * leaseMs)
    expect([a.story, b.story]).to.deep.equal([['elected 1'], ['following a']])
    expect([a.elector.isLeader, b.elector.isLeader]).to.deep.equal([true, false])
  })

  it('makes one leader of many that stand at once', async () => {
    const all = ['a', 'b', 'c', 'd'].map(id => candidate(id))
    await clock.advance(2 * leaseMs)
    const leaders = (await Promise.all(all)).filter(({ elector }) => elector.isLeader)
    expect(leaders).to.have.length(1)
  })

  it('hands over at once when the leader resigns', async () => {
    const [a, b] = [await candidate('a'), await candidate('b')]
    await a.elector.resign()
    await clock.advance(leaseMs / 10)
    expect(b.story).to.deep.equal(['following a', 'elected 3'])
    await clock.advance(10 * leaseMs)
    expect([a.story, a.elector.isLeader]).to.deep.equal([['elected 1'], false])
  })

  it('hands over without a look where the store tells that the lease was given up', async () => {
    const [a, b] = [await candidate('a'), await candidate('b', lease)]
    await a.elector.resign()
    await clock.advance(0)
    expect(b.story).to.deep.equal(['following a', 'elected 3'])
  })

  it('stands no more once it has resigned, whatever it is told', async () => {
    const [a, b] = [await candidate('a'), await candidate('b', lease)]
    await b.elector.resign()
    await a.elector.resign()
    await clock.advance(leaseMs)
    expect([b.story, await lease.list()]).to.deep.equal([['following a'], []])
  })

  it('hands over at once also when the leader resigns while a renewal is on its way', async () => {
    const [a, b] = [await candidate('a'), await candidate('b')]
    const answer = a.store.holdAnswers()
    await clock.advance(leaseMs / 4)
    const resigned = a.elector.resign()
    answer()
    await resigned
    await clock.advance(leaseMs / 10)
    expect(b.elector.isLeader).to.equal(true)
  })

  it('leaves no lease behind when a candidate resigns while its election is on its way', async () => {
    const a = await candidate('a')
    a.elector.stepDown('for the test')
    const answer = a.store.holdAnswers()
    await lease.delete('leader')
    await clock.advance(leaseMs)
    const resigned = a.elector.resign()
    answer()
    await resigned
    await clock.advance(0)
    expect([await lease.list(), a.elector.isLeader]).to.deep.equal([[], false])
  })

  it('replaces a leader that has died, when its lease ends', async () => {
    const [a, b] = [await candidate('a'), await candidate('b')]
    a.die()
    await clock.advance(0.9 * leaseMs)
    expect(b.story).to.deep.equal(['following a'])
    await clock.advance(0.2 * leaseMs)
    expect(b.story).to.deep.equal(['following a', 'elected 2'])
  })

  it('gives each leader an epoch that is newer than those before', async () => {
    const epochs: number[] = []
    for (const id of ['a', 'b', 'c']) {
      const { elector, story } = await candidate(id)
      epochs.push(Number(story.at(-1)?.split(' ')[1]))
      await clock.advance(3 * leaseMs)
      await elector.resign()
    }
    expect(epochs).to.deep.equal(epochs.toSorted((x, y) => x - y))
    expect(new Set(epochs).size).to.equal(3)
  })

  it('deposes a leader whose lease is found to be of another', async () => {
    const a = await candidate('a')
    a.store.isAway = true
    await clock.advance(leaseMs)
    const b = await candidate('b')
    a.store.isAway = false
    await clock.advance(leaseMs / 4)
    expect(a.story).to.deep.equal(['elected 1', 'deposed: the lease was lost'])
    await clock.advance(leaseMs / 4)
    expect(a.story.at(-1)).to.equal('following b')
    expect(b.elector.isLeader).to.equal(true)
  })

  it('does not depose a leader whose renewal is late', async () => {
    const a = await candidate('a')
    a.store.isAway = true
    await clock.advance(0.6 * leaseMs)
    a.store.isAway = false
    await clock.advance(10 * leaseMs)
    expect([a.story, a.elector.isLeader]).to.deep.equal([['elected 1'], true])
  })

  it('does not depose a leader whose lease has ended, when nobody else has taken it', async () => {
    const a = await candidate('a')
    a.store.isAway = true
    await clock.advance(5 * leaseMs)
    a.store.isAway = false
    await clock.advance(leaseMs / 4)
    const b = await candidate('b')
    await clock.advance(10 * leaseMs)
    expect([a.story, b.story]).to.deep.equal([['elected 1'], ['following a']])
  })

  it('gives a new epoch to a leader whose lease has ended, when another has led and died meanwhile', async () => {
    const a = await candidate('a')
    a.store.isAway = true
    await clock.advance(leaseMs)
    const b = await candidate('b')
    b.die()
    await clock.advance(2 * leaseMs)
    a.store.isAway = false
    await clock.advance(leaseMs / 4)
    expect([a.story, b.story]).to.deep.equal([
      ['elected 1', 'deposed: the lease had ended', 'elected 3'],
      ['elected 2'],
    ])
  })

  it('does not depose a leader that did not hear that its lease was renewed', async () => {
    const a = await candidate('a')
    a.store.losesAnswers = true
    await clock.advance(leaseMs / 2)
    a.store.losesAnswers = false
    await clock.advance(10 * leaseMs)
    expect(a.story).to.deep.equal(['elected 1'])
  })

  it('deposes one that steps down; nobody leads until its lease ends, then it stands again', async () => {
    const a = await candidate('a')
    a.elector.stepDown('a newer epoch was seen')
    a.elector.stepDown('twice')
    await clock.advance(leaseMs / 2)
    expect(a.story).to.deep.equal(['elected 1', 'deposed: a newer epoch was seen', 'following nobody'])
    await clock.advance(leaseMs)
    expect(a.story.at(-1)).to.equal('elected 2')
  })

  it('goes on asking while the store is away at the start', async () => {
    lease.create = () => Promise.reject(new Error('no store yet'))
    const a = await candidate('a')
    await clock.advance(leaseMs)
    expect(a.story).to.deep.equal([])
    lease.create = MemoryStore.prototype.create.bind(lease)
    await clock.advance(leaseMs / 10)
    expect(a.story).to.deep.equal(['elected 1'])
  })
})
