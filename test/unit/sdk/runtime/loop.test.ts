import { Loop } from '@tender/sdk'
import { settle } from '@tender/sdk/testing'
import { expect } from 'chai'
import { describe, it } from 'mocha'

const noBug = (error: unknown) => {
  throw error
}

/** A loop whose handler waits until the test lets it go on, and what has happened in it. */
function slowLoop() {
  const story: string[] = []
  const bugs: unknown[] = []
  const waiting: (() => void)[] = []
  const loop = new Loop<string>(
    async input => {
      story.push(`begin ${input}`)
      await new Promise<void>(resolve => waiting.push(resolve))
      if (input === 'bug') throw new Error('a bug')
      story.push(`end ${input}`)
    },
    error => bugs.push(error),
  )
  const finish = async () => {
    waiting.shift()?.()
    await settle()
  }
  return { loop, story, bugs, finish }
}

describe('a loop', () => {
  it('handles one input at a time, in order', async () => {
    const { loop, story, finish } = slowLoop()
    for (const input of ['a', 'b']) loop.push(input)
    expect(story).to.deep.equal(['begin a'])
    await finish()
    expect(story).to.deep.equal(['begin a', 'end a', 'begin b'])
  })

  it('handles an input at once when it is idle and the handler is synchronous', () => {
    const handled: string[] = []
    const loop = new Loop<string>(input => void handled.push(input), noBug)
    loop.push('a')
    expect(handled).to.deep.equal(['a'])
  })

  it('puts what a handler pushes behind what waits already', async () => {
    const handled: number[] = []
    const loop = new Loop<number>(async input => {
      handled.push(input)
      if (input === 2) loop.push(4)
      await settle()
    }, noBug)
    for (const input of [1, 2, 3]) loop.push(input)
    await loop.idle()
    expect(handled).to.deep.equal([1, 2, 3, 4])
  })

  it('is idle when nothing waits and nothing is handled', async () => {
    const { loop, story, finish } = slowLoop()
    await loop.idle()
    loop.push('a')
    const idle = loop.idle().then(() => story.push('idle'))
    await settle()
    expect(story).to.deep.equal(['begin a'])
    await finish()
    await idle
    expect(story).to.deep.equal(['begin a', 'end a', 'idle'])
  })

  it('stops at a bug: it is told once, what waits is dropped, and nothing more is taken', async () => {
    const { loop, story, bugs, finish } = slowLoop()
    for (const input of ['bug', 'b']) loop.push(input)
    await finish()
    loop.push('c')
    await loop.idle()
    expect(story).to.deep.equal(['begin bug'])
    expect(bugs.map(String)).to.deep.equal(['Error: a bug'])
  })

  it('finishes what it is at when it is stopped, and drops the rest', async () => {
    const { loop, story, finish } = slowLoop()
    for (const input of ['a', 'b']) loop.push(input)
    loop.stop()
    await finish()
    loop.push('c')
    await loop.idle()
    expect(story).to.deep.equal(['begin a', 'end a'])
  })
})
