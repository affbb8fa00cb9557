import { Writable } from 'node:stream'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { AppProgress } from '../../../cli/deploy/deploy.js'
import { progressOn } from '../../../cli/deploy/progress.js'

function streamLike(isTTY: boolean): { stream: NodeJS.WriteStream; written: () => string } {
  let text = ''
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      text += String(chunk)
      done()
    },
  })
  const terminal = {
    isTTY,
    columns: 100,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  }
  return { stream: Object.assign(stream, terminal) as unknown as NodeJS.WriteStream, written: () => text }
}

function app(tasksRunning: number, message?: string): AppProgress {
  const waiting = message === undefined ? {} : { waiting: { code: 'starting', message } }
  return { id: '/web', instances: 3, tasksRunning, tasksStaged: 0, version: '1', deployments: [], ...waiting }
}

describe('the progress of a deployment', () => {
  it('is a plain line for each change, where there is no terminal', () => {
    const { stream, written } = streamLike(false)
    const progress = progressOn(stream)
    for (const step of [app(0, 'no offers yet'), app(0, 'no offers yet'), app(2), app(3)]) progress.show(step)
    progress.end()
    expect(written()).to.equal(
      '/web: 0 of 3 instances run, no offers yet\n/web: 2 of 3 instances run\n/web: 3 of 3 instances run\n',
    )
  })

  it('is a bar on a terminal', () => {
    const { stream, written } = streamLike(true)
    const progress = progressOn(stream)
    for (const step of [app(0), app(3)]) progress.show(step)
    progress.end()
    expect(written())
      .to.match(/\/web \[[=-]+\] 0\/3 running/)
      .and.match(/\/web \[=+\] 3\/3 running/)
  })
})
