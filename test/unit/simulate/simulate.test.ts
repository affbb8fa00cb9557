import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simulate } from '../../../cli/simulate/simulate.js'

const good = 'steps: [ { agent: { id: a1, resources: "cpus:1" } }, { expect: nothing } ]'
const failing = 'steps: [ { expect: [ {} ] } ]'

describe('tender simulate', () => {
  let folder: string
  let printed: string[]
  let errors: string[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'simulate-'))
    printed = []
    errors = []
  })
  afterEach(() => rm(folder, { recursive: true }))

  async function run(files: Record<string, string>, ...paths: string[]): Promise<number> {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(folder, name, '..'), { recursive: true })
      await writeFile(join(folder, name), content)
    }
    const status = await simulate(
      paths.length === 0 ? [folder] : paths.map(path => join(folder, path)),
      { json: false, explain: false },
      {
        print: line => printed.push(line.replace(`${folder}/`, '')),
        printError: text => errors.push(...text.split('\n').map(line => line.replace(`${folder}/`, ''))),
      },
    )
    return status
  }

  it('runs all scenario files below a folder, sorted, and no others', async () => {
    const names = ['b.yaml', 'a.json', 'sub/c.yml', 'readme.txt']
    const files = Object.fromEntries(names.map(name => [name, `${JSON.stringify({ name, steps: [] })}\n`]))
    expect(await run(files)).to.equal(0)
    expect(printed.map(line => line.split(' ').at(-1))).to.deep.equal([
      'a.json',
      'b.yaml',
      'sub/c.yml',
      'expected',
    ])
  })

  it('goes on after a scenario that fails, and its status is 1', async () => {
    expect(await run({ a: failing, b: good }, 'a', 'b')).to.equal(1)
    expect(printed.at(-1)).to.equal('2 scenarios, 1 failed')
  })

  it('runs nothing when a file is wrong, tells each, and its status is 2', async () => {
    const files = { 'a.yaml': good, 'b.yaml': 'step: 1', 'c.yaml': '' }
    expect(await run(files)).to.equal(2)
    expect(printed).to.deep.equal([])
    expect(errors).to.deep.equal([
      "b.yaml:1: scenario: unknown key 'step'; allowed: name, settings, steps",
      'c.yaml:1: a file holds scenarios, got none',
    ])
  })

  it('says which file is not there', async () => {
    expect(await run({}, 'a.yaml')).to.equal(2)
    expect(errors[0]).to.match(/^a\.yaml: cannot be read: ENOENT/)
  })
})
