import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

describe('the test reporter', () => {
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tender-reporter-'))
  })

  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('ends with one plain line that counts', async () => {
    const run = await mocha(`it('a', () => {}); it('b', () => {}); it('c', () => { throw new Error('no') })`)
    expect(run).to.deep.include({ status: 1, lastLine: '2 passed, 1 failed' })
  })

  it('names the skipped tests and counts them', async () => {
    const run = await mocha(`describe('engine', () => { it.skip('starts', () => {}); it('is', () => {}) })`)
    expect(run).to.deep.include({ status: 0, lastLine: '1 passed, 0 failed, 1 skipped' })
    expect(run.output).to.contain('Skipped:\n  - engine starts\n')
  })

  it('fails a run with skipped tests when CI=true', async () => {
    const run = await mocha(`it.skip('a', () => {}); it('b', () => {})`, { CI: 'true' })
    expect(run).to.deep.include({ status: 1, lastLine: '1 passed, 0 failed, 1 skipped' })
  })

  it('has the last word even when something prints after the tests', async () => {
    const run = await mocha(`after(() => setTimeout(() => console.log('late'), 20)); it('a', () => {})`)
    expect(run).to.deep.include({ status: 0, lastLine: '1 passed, 0 failed' })
  })

  async function mocha(
    test: string,
    variables: Record<string, string> = {},
  ): Promise<{ status: number | null; output: string; lastLine: string }> {
    const file = join(dir, 'a.test.mjs')
    await writeFile(file, test)
    const reporter = resolve('dist/test/support/reporter.js')
    const cli = resolve('node_modules/mocha/lib/cli/cli.js')
    const run = spawnSync(process.execPath, [cli, '--no-config', '--reporter', reporter, file], {
      env: { PATH: process.env['PATH'], ...variables },
      encoding: 'utf8',
      cwd: dir,
    })
    const output = run.stdout + run.stderr
    return { status: run.status, output, lastLine: run.stdout.trimEnd().split('\n').at(-1) ?? '' }
  }
})
