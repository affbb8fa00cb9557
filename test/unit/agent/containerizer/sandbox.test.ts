import { expect } from 'chai'
import { mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@tender/sdk/runtime'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { Sandboxes, sandboxKeepMs } from '../../../../agent/containerizer/sandbox.js'

const task = { frameworkId: 'web', taskId: 'web.1' }
const day = 24 * 60 * 60 * 1000

describe('sandboxes', () => {
  let workDir: string
  let sandboxes: Sandboxes

  beforeEach(async () => {
    workDir = await mkdtemp(join(tmpdir(), 'tender-sandbox-'))
    sandboxes = new Sandboxes(workDir, silentLog)
  })

  afterEach(() => rm(workDir, { recursive: true }))

  async function written(taskId: string, ageMs: number): Promise<string> {
    const path = sandboxes.make({ frameworkId: 'web', taskId })
    const seconds = (Date.now() - ageMs) / 1000
    await writeFile(join(path, 'stdout'), taskId)
    await utimes(join(path, 'stdout'), seconds, seconds)
    await utimes(path, seconds, seconds)
    return path
  }

  async function part(offset: number, maxBytes: number): Promise<unknown> {
    const { data, ...rest } = await sandboxes.read(task, 'stdout', { offset, maxBytes })
    return { text: data.toString(), ...rest }
  }

  async function problemOf(name: string): Promise<string> {
    const read = sandboxes.read(task, name, { offset: 0, maxBytes: 10 })
    return read.then(
      () => 'none',
      (error: Error & { reason: string }) => `${error.reason}: ${error.message}`,
    )
  }

  it('have their place by framework and task', () => {
    expect(sandboxes.path(task)).to.equal(join(workDir, 'sandboxes/web/web.1'))
  })

  it('stay in their place whatever the ids are', () => {
    const evil = ['.', '..', '../../etc', '/', 'a~run', '', 'x'.repeat(5_000), 'é'.repeat(200)]
    const paths = evil.map(taskId => sandboxes.path({ frameworkId: '..', taskId }))
    expect(new Set(paths).size).to.equal(evil.length)
    for (const path of paths) {
      expect(path).to.match(/^[^~]*\/sandboxes\/%2E%2E\/[^/]{1,250}$/)
      expect(path.startsWith(workDir)).to.equal(true)
    }
  })

  it('can be written by the program of a container, but not be reached by other users', async () => {
    const path = sandboxes.make(task)
    sandboxes.make(task)
    expect((await stat(path)).mode & 0o777).to.equal(0o777)
    expect((await stat(join(workDir, 'sandboxes'))).mode & 0o777).to.equal(0o700)
  })

  describe('are read', () => {
    beforeEach(async () => writeFile(join(sandboxes.make(task), 'stdout'), '0123456789'))

    it('in parts, from the beginning', async () => {
      expect(await part(0, 4)).to.deep.equal({ text: '0123', size: 10, offset: 0 })
      expect(await part(4, 100)).to.deep.equal({ text: '456789', size: 10, offset: 4 })
    })

    it('from the end, for a negative offset', async () => {
      expect(await part(-3, 100)).to.deep.equal({ text: '789', size: 10, offset: 7 })
      expect(await part(-30, 2)).to.deep.equal({ text: '01', size: 10, offset: 0 })
    })

    it('beyond the end, as nothing yet', async () => {
      expect(await part(20, 5)).to.deep.equal({ text: '', size: 10, offset: 10 })
    })

    it('only inside of themselves', async () => {
      const path = sandboxes.make(task)
      await writeFile(join(workDir, 'secret'), 'x')
      await symlink(join(workDir, 'secret'), join(path, 'link'))
      await mkdir(join(path, 'folder'))
      expect(await problemOf('link')).to.equal('outside: link leads out of the sandbox of task web.1')
      expect(await problemOf('../../../secret')).to.match(/^outside/)
      expect(await problemOf('folder')).to.match(/^not-a-file/)
      expect(await problemOf('nothing')).to.equal('not-found: nothing is not in the sandbox of task web.1')
    })
  })

  it('are removed with what a supervisor keeps beside them', async () => {
    const path = sandboxes.make(task)
    await mkdir(`${path}~run`)
    await sandboxes.remove(task)
    await sandboxes.remove(task)
    expect(await exists(path)).to.equal(false)
    expect(await exists(`${path}~run`)).to.equal(false)
  })

  it('are kept for seven days after they were last written, and while they are in use', async () => {
    const old = await written('old', 8 * day)
    const recent = await written('recent', 6 * day)
    const used = await written('used', 8 * day)
    const busy = await written('busy', 8 * day)
    await utimes(join(busy, 'stdout'), Date.now() / 1000, Date.now() / 1000)
    await mkdir(`${old}~run`)

    const removed = await sandboxes.collectGarbage([{ frameworkId: 'web', taskId: 'used' }], Date.now())
    expect(removed).to.deep.equal([old])
    const left = await Promise.all([old, `${old}~run`, recent, used, busy].map(exists))
    expect(left).to.deep.equal([false, false, true, true, true])
    expect(sandboxKeepMs).to.equal(7 * day)
  })

  it('are no trouble when there are none', async () => {
    expect(await sandboxes.collectGarbage([], Date.now())).to.deep.equal([])
  })
})

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
