import { expect } from 'chai'
import { describe, it } from 'mocha'
import { RecordLocks } from '../../../master/core/record-locks.js'

describe('locks of records', () => {
  /** Which of these changes, each of some records, may start as the ones before it end, one after the other. */
  function run(changes: string[], ends: string[]): string[] {
    const locks = new RecordLocks()
    const started: string[] = []
    const namesOf = (change: string) => change.split('+')
    for (const change of changes)
      if (locks.take(namesOf(change), () => started.push(change))) started.push(change)
    for (const change of ends) {
      started.push('|')
      for (const { start } of locks.release(namesOf(change))) start(undefined as never)
    }
    return started
  }

  const cases: [name: string, changes: string[], ends: string[], started: string][] = [
    ['lets changes of different records go on together', ['a', 'b'], [], 'a b'],
    ['lets a change of the same record wait', ['a', 'a', 'a'], ['a', 'a'], 'a | a | a'],
    ['lets a change of several wait for all of them', ['a', 'b', 'a+b'], ['a', 'b'], 'a b | | a+b'],
    ['lets nobody overtake who waits for the same', ['a', 'a+b', 'b'], ['a', 'a+b'], 'a | a+b | b'],
    ['starts all that can', ['a+b', 'a', 'b', 'a'], ['a+b'], 'a+b | a b'],
  ]
  for (const [name, changes, ends, started] of cases)
    it(name, () => expect(run(changes, ends).join(' ')).to.equal(started))
})
