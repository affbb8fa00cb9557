import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@tender/sdk/runtime'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { Checkpoint } from '../../../../agent/checkpoint/checkpoint.js'

const kept = {
  revision: 3,
  resources: { cpus: 1, 'cpus(web,dynamic)': 1, ports: [[31_000, 31_009]] as [number, number][] },
  startedWith: { cpus: 2 },
}

describe("the checkpoint of an agent's resources", () => {
  let workDir: string
  let path: string

  beforeEach(() => {
    workDir = mkdtempSync(join(tmpdir(), 'tender-checkpoint-'))
    path = join(workDir, 'checkpoint', 'resources.json')
  })
  afterEach(() => rmSync(workDir, { recursive: true, force: true }))

  /** As another process finds it. */
  const read = () => new Checkpoint(workDir, silentLog).resources()

  it('is not there before the leader has changed anything', async () => {
    expect(await read()).to.equal(undefined)
  })

  it('is on the disk when it is written, and found by another process', async () => {
    const checkpoint = new Checkpoint(workDir, silentLog)
    checkpoint.writeResources({ ...kept, revision: 2 })
    checkpoint.writeResources(kept)
    expect(existsSync(path)).to.equal(true)
    expect(await read()).to.deep.equal(kept)
  })

  const torn: [name: string, change: (text: string) => string][] = [
    ['torn', text => text.slice(0, -5)],
    ['changed', text => text.replace('"revision":3', '"revision":4')],
  ]
  for (const [name, change] of torn) {
    it(`is set aside when it was ${name}`, async () => {
      new Checkpoint(workDir, silentLog).writeResources(kept)
      writeFileSync(path, change(readFileSync(path, 'utf8')))
      expect(await read()).to.equal(undefined)
      expect([existsSync(path), existsSync(`${path}.corrupt`)]).to.deep.equal([false, true])
    })
  }

  it('is set aside when what it holds are no resources', async () => {
    new Checkpoint(workDir, silentLog).writeResources({ ...kept, resources: { 'cpus(': 1 } })
    expect(await read()).to.equal(undefined)
    expect(existsSync(`${path}.corrupt`)).to.equal(true)
  })
})
