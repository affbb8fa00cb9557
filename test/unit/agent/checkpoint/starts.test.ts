import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@tender/sdk/runtime'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { Checkpoint } from '../../../../agent/checkpoint/checkpoint.js'

const secondMs = 1_000

describe("the number of an agent's start", () => {
  let workDir: string
  const start = (nowMs: number) => new Checkpoint(workDir, silentLog).countStart(nowMs)

  beforeEach(async () => {
    workDir = await mkdtemp(join(tmpdir(), 'tender-starts-'))
  })
  afterEach(() => rm(workDir, { recursive: true, force: true }))

  it('grows at each start, also within a second, and when the clock was set back', async () => {
    const starts = [await start(100 * secondMs), await start(100 * secondMs), await start(50 * secondMs)]
    expect(starts).to.deep.equal([100, 101, 102])
  })

  it('grows also when its file was damaged meanwhile', async () => {
    await start(100 * secondMs)
    await writeFile(join(workDir, 'checkpoint', 'starts.json'), 'rubbish')
    expect(await start(101 * secondMs)).to.equal(101)
  })
})
