import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { Election, type ElectionCommand, type ElectionInput } from '../../../master/election/election.js'
import { formatLease } from '../../../master/election/lease.js'

const leaseMs = 1_000
const a = { masterId: 'a', httpUrl: 'http://a' }
const b = { masterId: 'b', httpUrl: 'http://b' }
/** As its winner writes it, and as it renews it. */
const won = formatLease(a)
const renewed = (epoch: number) => formatLease(a, epoch)

type Happening = ElectionInput extends infer I ? (I extends ElectionInput ? Omit<I, 'now'> : never) : never

describe('the machine of the election', () => {
  let election: Election
  let nowMs: number

  beforeEach(() => {
    election = new Election({ self: a, leaseMs })
    nowMs = 0
  })

  const tell = (happening: Happening): ElectionCommand[] => election.step({ ...happening, now: nowMs })
  const read = (value?: string, revision = 0) =>
    tell({ kind: 'read', entry: value === undefined ? undefined : { value, revision } })
  const written = (revision: number) => tell({ kind: 'written', revision })
  const failed = () => tell({ kind: 'failed', error: 'no answer' })
  const tick = () => {
    nowMs = election.dueAtMs ?? nowMs
    return tell({ kind: 'tick' })
  }

  /** Wins, by the revision that is given. */
  function win(revision: number): void {
    tell({ kind: 'start' })
    read()
    written(revision)
  }

  it('looks, creates, leads, and renews each quarter of a lease', () => {
    expect(tell({ kind: 'start' })).to.deep.equal([{ kind: 'read' }])
    expect(read()).to.deep.equal([{ kind: 'create', value: won }])
    expect(written(7)).to.deep.equal([{ kind: 'elected', epoch: 7 }])
    expect(election.dueAtMs).to.equal(leaseMs / 4)
    expect(tick()).to.deep.equal([{ kind: 'update', value: renewed(7), revision: 7 }])
    expect([written(8), tick()]).to.deep.equal([[], [{ kind: 'update', value: renewed(7), revision: 8 }]])
    expect([election.isLeader, election.epoch]).to.deep.equal([true, 7])
  })

  it('asks one thing at a time', () => {
    tell({ kind: 'start' })
    expect([tell({ kind: 'tick' }), tell({ kind: 'vanished' }), election.dueAtMs]).to.deep.equal([
      [],
      [],
      undefined,
    ])
  })

  it('does nothing before it is due', () => {
    tell({ kind: 'start' })
    read(formatLease(b, 3), 5)
    nowMs = leaseMs / 10 - 1
    expect(tell({ kind: 'tick' })).to.deep.equal([])
    nowMs += 1
    expect(tell({ kind: 'tick' })).to.deep.equal([{ kind: 'read' }])
  })

  it('gives the lease up when it cannot lead, and lets others stand for as long as one lasts', () => {
    win(7)
    expect(tell({ kind: 'give-up', reason: 'cannot read' })).to.deep.equal([
      { kind: 'deposed', reason: 'cannot read' },
      { kind: 'delete', revision: 7 },
    ])
    const deletion = [tell({ kind: 'vanished' }), tell({ kind: 'deleted' }), tell({ kind: 'vanished' })]
    expect([deletion, election.isLeader, election.dueAtMs]).to.deep.equal([[[], [], []], false, leaseMs])
    expect(tick()).to.deep.equal([{ kind: 'read' }])
  })

  it('gives up what it cannot delete now, since an operation is on its way: that lease ends by itself', () => {
    win(7)
    tick()
    expect(tell({ kind: 'give-up', reason: 'cannot read' })).to.deep.equal([
      { kind: 'deposed', reason: 'cannot read' },
    ])
    expect([written(8), election.isLeader]).to.deep.equal([[], false])
  })

  it('follows whoever holds the lease, and says so once', () => {
    tell({ kind: 'start' })
    expect(read(formatLease(b), 3)).to.deep.equal([{ kind: 'following', leader: b }])
    tick()
    expect(read(formatLease(b, 3), 4)).to.deep.equal([])
  })

  it('looks at once when the lease was given up, also when a look was on its way', () => {
    tell({ kind: 'start' })
    read(formatLease(b), 3)
    expect(tell({ kind: 'vanished' })).to.deep.equal([{ kind: 'read' }])
    tell({ kind: 'vanished' })
    read(formatLease(b), 3)
    expect(election.dueAtMs).to.equal(nowMs)
  })

  it('knows of no leader when another one was faster', () => {
    tell({ kind: 'start' })
    read(formatLease(b), 3)
    tick()
    read()
    expect(tell({ kind: 'conflict' })).to.deep.equal([{ kind: 'following', leader: undefined }])
  })

  it('takes what stands there and is of no master as that of an unknown leader', () => {
    tell({ kind: 'start' })
    for (const value of ['', 'null', '[]', '{"masterId":1}']) {
      expect(read(value, 3)).to.deep.equal(value === '' ? [{ kind: 'following', leader: undefined }] : [])
      tick()
    }
  })

  describe('whose answer was lost', () => {
    it('wins with an epoch of its own, when it finds that it had created the lease', () => {
      tell({ kind: 'start' })
      read()
      failed()
      tick()
      expect(read(won, 4)).to.deep.equal([
        { kind: 'log', level: 'info', message: 'the lease can be read and written again' },
        { kind: 'update', value: won, revision: 4 },
      ])
      expect(written(5)).to.deep.equal([{ kind: 'elected', epoch: 5 }])
    })

    it('wins also when the answer to that is lost too', () => {
      tell({ kind: 'start' })
      for (const revision of [4, 5]) {
        read(revision === 4 ? undefined : won, revision - 1)
        failed()
        tick()
      }
      expect(read(won, 5).at(-1)).to.deep.equal({ kind: 'update', value: won, revision: 5 })
      expect(written(6)).to.deep.equal([{ kind: 'elected', epoch: 6 }])
    })

    it('goes on leading, when it finds its own renewal', () => {
      win(1)
      tick()
      failed()
      tick()
      expect(tell({ kind: 'conflict' }).at(-1)).to.deep.equal({ kind: 'read' })
      expect(read(renewed(1), 2)).to.deep.equal([{ kind: 'update', value: renewed(1), revision: 2 }])
      expect([written(3), election.epoch]).to.deep.equal([[], 1])
    })

    it('renews again a quarter of a lease after it did so last', () => {
      win(1)
      tick()
      const askedAtMs = nowMs
      nowMs += 0.2 * leaseMs
      failed()
      expect(election.dueAtMs).to.equal(askedAtMs + leaseMs / 4)
    })

    it('says once that the store is away', () => {
      const story = [tell({ kind: 'start' }), failed(), tick(), failed(), tick(), read()]
      expect(story.flat().filter(({ kind }) => kind === 'log')).to.deep.equal([
        {
          kind: 'log',
          level: 'warn',
          message: 'the lease could not be read or written',
          fields: { error: 'no answer' },
        },
        { kind: 'log', level: 'info', message: 'the lease can be read and written again' },
      ])
    })
  })

  describe('whose lease had ended', () => {
    function regain(): void {
      win(1)
      tick()
      tell({ kind: 'conflict' })
    }

    it('goes on leading when nobody has written since', () => {
      regain()
      expect(read()).to.deep.equal([{ kind: 'create', value: won }])
      expect([written(2), election.epoch]).to.deep.equal([[], 1])
    })

    it('leads anew when somebody has: an epoch that others have seen the end of is of no use', () => {
      regain()
      read()
      expect(written(5)).to.deep.equal([
        { kind: 'deposed', reason: 'the lease had ended' },
        { kind: 'elected', epoch: 5 },
      ])
    })

    it('leads anew when it finds a lease that it created without hearing of it', () => {
      regain()
      read()
      failed()
      tick()
      tell({ kind: 'conflict' })
      expect(read(won, 5)).to.deep.equal([
        { kind: 'deposed', reason: 'the lease had ended' },
        { kind: 'update', value: won, revision: 5 },
      ])
      expect(written(6)).to.deep.equal([{ kind: 'elected', epoch: 6 }])
    })

    it('is deposed when it finds the lease of another, or when another is faster', () => {
      regain()
      expect(read(formatLease(b), 2)).to.deep.equal([{ kind: 'deposed', reason: 'the lease was lost' }])
      tick()
      read()
      written(9)
      tick()
      tell({ kind: 'conflict' })
      read()
      expect(tell({ kind: 'conflict' })).to.deep.equal([{ kind: 'deposed', reason: 'the lease was lost' }])
    })
  })

  describe('that has stepped down', () => {
    it('never leads by the lease that still stands', () => {
      win(1)
      expect(tell({ kind: 'step-down', reason: 'why' })).to.deep.equal([{ kind: 'deposed', reason: 'why' }])
      tick()
      expect(read(won, 1)).to.deep.equal([{ kind: 'following', leader: undefined }])
      tick()
      expect(read(renewed(1), 2)).to.deep.equal([])
      expect(election.isLeader).to.equal(false)
    })

    it('does not lead by a renewal that was on its way', () => {
      win(1)
      tick()
      tell({ kind: 'step-down', reason: 'why' })
      expect([written(2), election.isLeader]).to.deep.equal([[], false])
    })

    it('may win again, with a newer epoch', () => {
      win(1)
      tell({ kind: 'step-down', reason: 'why' })
      tick()
      read()
      expect(written(2)).to.deep.equal([{ kind: 'elected', epoch: 2 }])
    })

    it('says it once, and only if it led', () => {
      tell({ kind: 'start' })
      expect(tell({ kind: 'step-down', reason: 'why' })).to.deep.equal([])
    })
  })

  describe('in a process that stood still for longer than the lease', () => {
    it('renews before it waits again, when the answer is older than the lease', () => {
      win(1)
      tick()
      nowMs += leaseMs
      expect(written(2)).to.deep.equal([{ kind: 'update', value: renewed(1), revision: 2 }])
    })

    it('does not lead by an old answer, but makes sure that it has won', () => {
      tell({ kind: 'start' })
      read()
      nowMs += leaseMs
      expect(written(2)).to.deep.equal([{ kind: 'update', value: won, revision: 2 }])
      tell({ kind: 'conflict' })
      expect(read(formatLease(b), 3)).to.deep.equal([{ kind: 'following', leader: b }])
    })
  })

  describe('that resigns', () => {
    it('gives its lease up', () => {
      win(1)
      expect(tell({ kind: 'resign' })).to.deep.equal([{ kind: 'delete', revision: 1 }])
      expect([tell({ kind: 'deleted' }), tell({ kind: 'tick' }), election.dueAtMs]).to.deep.equal([
        [],
        [],
        undefined,
      ])
    })

    it('gives up what was on its way', () => {
      win(1)
      tick()
      expect([tell({ kind: 'resign' }), election.isLeader]).to.deep.equal([[], false])
      expect(written(2)).to.deep.equal([{ kind: 'delete', revision: 2 }])
    })

    it('gives up what it has written without hearing of it', () => {
      win(1)
      tick()
      tell({ kind: 'resign' })
      expect(failed().at(-1)).to.deep.equal({ kind: 'read' })
      expect(read(renewed(1), 2).at(-1)).to.deep.equal({ kind: 'delete', revision: 2 })
    })

    it('gives up the lease of a term that it has stepped down from', () => {
      win(1)
      tell({ kind: 'step-down', reason: 'why' })
      expect(tell({ kind: 'resign' })).to.deep.equal([{ kind: 'read' }])
      expect(read(won, 1)).to.deep.equal([{ kind: 'delete', revision: 1 }])
    })

    it('leaves the lease of another', () => {
      tell({ kind: 'start' })
      read(formatLease(b), 3)
      expect(tell({ kind: 'resign' })).to.deep.equal([])
    })

    it('asks no more than once more of a store that is away', () => {
      win(1)
      tick()
      tell({ kind: 'resign' })
      failed()
      expect(failed().map(({ kind }) => kind)).to.deep.equal(['log'])
      expect(election.isAsking).to.equal(false)
    })
  })
})
