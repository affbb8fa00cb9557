import { expect } from 'chai'
import { Inbox } from '../../../master/inbox.js'

const longMs = 12

describe('the inbox', () => {
  it('hands on at once what comes alone', () => {
    const handled: number[] = []
    new Inbox<number>(item => handled.push(item)).take(1)
    expect(handled).to.deep.equal([1])
  })

  it('lets others have their turn when there is much to do, and keeps the order', async () => {
    const happened: string[] = []
    const isOver = new Promise<void>(resolve => {
      const inbox = new Inbox<number>(item => {
        keepBusy(longMs)
        happened.push(String(item))
        if (item === 3) resolve()
      })
      for (const item of [1, 2, 3]) inbox.take(item)
      setImmediate(() => happened.push('other'))
    })
    await isOver
    expect(happened).to.deep.equal(['1', '2', 'other', '3'])
  })
})

function keepBusy(ms: number): void {
  const untilMs = performance.now() + ms
  while (performance.now() < untilMs);
}
