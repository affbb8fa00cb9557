import { expect } from 'chai'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

type TestModule = {
  allTests: readonly string[]
  mochaArguments: (args: readonly string[], inCi: boolean) => string[]
}
type VersionModule = { complaintAbout: (version: string) => string | undefined }

describe('npm test', () => {
  let test: TestModule

  before(async () => {
    test = await bootstrap('test.mjs')
  })

  it('runs all tests, also with a filter', () => {
    expect(test.mochaArguments([], false)).to.deep.equal(test.allTests)
    expect(test.mochaArguments(['--grep', 'an/allocator'], false)).to.deep.equal([
      '--grep',
      'an/allocator',
      ...test.allTests,
    ])
  })

  it('takes files and folders by the names of their sources in place of all tests', () => {
    const args = ['test/unit/cli', 'test/unit/x.test.ts', 'dist/test/unit/**/y*.test.js', '--bail']
    expect(test.mochaArguments(args, false)).to.deep.equal([
      'dist/test/unit/cli/**/*.test.js',
      'dist/test/unit/x.test.js',
      'dist/test/unit/**/y*.test.js',
      '--bail',
    ])
  })

  it('refuses a forgotten .only in CI', () => {
    expect(test.mochaArguments([], true)).to.deep.equal(['--forbid-only', ...test.allTests])
  })
})

describe('the version of Node.js', () => {
  it('must be 20.19 or later, and the message says so', async () => {
    const { complaintAbout } = await bootstrap<VersionModule>('version.mjs')
    expect(complaintAbout('20.19.0')).to.equal(undefined)
    expect(complaintAbout('22.1.0')).to.equal(undefined)
    expect(complaintAbout('20.18.3')).to.contain('needs Node.js 20.19 or later, this is 20.18.3')
    expect(complaintAbout('18.20.1')).to.contain('this is 18.20.1')
  })
})

/** They are plain JavaScript and not compiled: they run before there is a compiler. */
async function bootstrap<Module>(file: string): Promise<Module> {
  const module: Module = await import(pathToFileURL(resolve('cli', 'bootstrap', file)).href)
  return module
}
