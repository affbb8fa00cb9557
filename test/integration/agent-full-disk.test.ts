import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { LedAgent } from '../support/led-agent.js'
import { useNats } from '../support/nats.js'

/** A file system of 4 MB, or why there can be none. */
function mountSmallDisk(path: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

describe('an agent whose disk is full', function () {
  this.timeout(40_000)
  const nats = useNats()
  let workDir: string
  let agent: LedAgent

  beforeEach(async function () {
    workDir = mkdtempSync(join(tmpdir(), 'tender-full-'))
    const trouble = mountSmallDisk(workDir)
    if (trouble !== undefined) {
      rmSync(workDir, { recursive: true })
      console.log(`      mounting a small disk needs root and the right to mount: ${trouble}`)
      return this.skip()
    }
    agent = await LedAgent.create(nats().url, join(workDir, 'agent'))
  })

  afterEach(async () => {
    await agent?.dispose()
    execFileSync('umount', [workDir])
    rmSync(workDir, { recursive: true })
  })

  const filler = () => join(workDir, 'filler')
  const task = (taskId: string, shell: string) => ({ taskId, resources: { cpus: 0.1 }, shell })

  function fill(): void {
    for (let size = 1024 * 1024; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) writeFileSync(filler(), Buffer.alloc(size), { flag: 'a' })
      } catch {}
    }
  }

  it('says so, starts nothing, tells nothing that it cannot keep, and makes up for it when there is room', async () => {
    await agent.start('--resources', 'cpus:4', '--containerizers', 'process')
    await agent.run(task('t1', 'while [ ! -e go ]; do sleep 0.02; done; exit 3'))
    fill()
    agent.order(task('t2', 'exec sleep 1000'))
    const { reason } = await agent.until('it is not well', () => (agent.health.ok ? undefined : agent.health))
    expect(reason).to.match(/^disk: .*ENOSPC/)

    execFileSync('mkdir', [join(agent.workDir, 'sandboxes/f/t1/go')])
    await agent.until('the end was seen', () => agent.output.includes('task is FAILED') || undefined)
    await agent.kill()
    await agent.start('--resources', 'cpus:4', '--containerizers', 'process')
    await agent.until('it is not well again', () => (agent.health.ok ? undefined : true))
    expect(agent.registrations.at(-1)?.tasks.map(({ taskId, state }) => [taskId, state])).to.deep.equal([
      ['t1', 'RUNNING'],
    ])
    expect([agent.statesOf('t1'), agent.answered.has('t2')]).to.deep.equal([['RUNNING'], false])

    truncateSync(filler())
    expect((await agent.reaches('t1', 'FAILED')).exitCode).to.equal(3)
    expect(agent.health).to.deep.equal({ ok: true })
    await agent.run(task('t2', 'exec sleep 1000'))
    agent.killTask('t2')
    await agent.reaches('t2', 'KILLED')
    expect(agent.isAlive).to.equal(true)
  })

  it('goes on when it has become read-only, and removes later what is acknowledged meanwhile', async () => {
    await agent.start('--resources', 'cpus:4', '--containerizers', 'process')
    agent.order(task('t1', 'exit 3'))
    const { sequence = 0 } = await agent.reaches('t1', 'FAILED')
    execFileSync('mount', ['-o', 'remount,ro', workDir])
    agent.order(task('t2', 'exec sleep 1000'))
    await agent.until('it is not well', () => (agent.health.ok ? undefined : true))
    expect(agent.health.reason).to.match(/^disk: .*EROFS/)
    agent.acknowledge('t1', sequence)
    await agent.until('it cannot forget', () => agent.output.includes('could not be removed') || undefined)

    execFileSync('mount', ['-o', 'remount,rw', workDir])
    await agent.until('it is well', () => (agent.health.ok ? true : undefined))
    await agent.kill()
    agent.acknowledges = true
    const { tasks } = await agent.start('--resources', 'cpus:4', '--containerizers', 'process')
    expect(tasks.map(({ taskId, state }) => [taskId, state])).to.deep.equal([['t1', 'FAILED']])
    const record = join(agent.workDir, 'checkpoint/tasks/f/t1.json')
    await agent.until('it is forgotten', () => !existsSync(record) || undefined)
  })
})
