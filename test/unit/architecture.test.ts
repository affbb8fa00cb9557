import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { version as agentVersion } from '../../agent/version.js'
import { version as masterVersion } from '../../master/version.js'
import { complaints, packagesOf } from '../support/architecture/rules.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const parts = ['sdk', 'master', 'agent', 'frameworks', 'examples', 'cli']

/** Every file of source of these parts: path and text. */
function sources(): [path: string, text: string][] {
  return parts.flatMap(part =>
    readdirSync(join(root, part), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && /\.(ts|tsx|mjs)$/.test(entry.name))
      .map(entry => join(entry.parentPath, entry.name))
      .filter(file => !/[/\\](dist|node_modules)[/\\]/.test(file))
      .map(file => [relative(root, file).split(sep).join('/'), readFileSync(file, 'utf8')] as const)
      .map(([path, text]): [string, string] => [path, text]),
  )
}

interface Package {
  readonly name: string
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

function readPackage(folder: string): Package {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Package
}

describe('the architecture', () => {
  let files: [path: string, text: string][]

  before(() => {
    files = sources()
  })

  it('is looked at as a whole', () => {
    for (const part of parts) expect(files.filter(([path]) => path.startsWith(`${part}/`))).not.to.be.empty
  })

  it('holds: each file imports what it may, and cores are pure', () => {
    expect(files.flatMap(([path, text]) => complaints(path, text))).to.deep.equal([])
  })

  it('has no dependency that nobody imports, and imports none that is not declared', () => {
    const imported = (isIn: (path: string) => boolean) =>
      [
        ...new Set(files.filter(([path]) => isIn(path)).flatMap(([path, text]) => packagesOf(path, text))),
      ].toSorted()
    const isSdk = (path: string) => path.startsWith('sdk/')
    expect(imported(isSdk)).to.deep.equal(Object.keys(readPackage('sdk').dependencies).toSorted())
    const { dependencies, devDependencies } = readPackage('.')
    const isShipped = (path: string) => !isSdk(path) && !path.startsWith('master/web/')
    expect(imported(isShipped)).to.deep.equal(Object.keys(dependencies).toSorted())
    // The page is built ahead: what it is made of is not installed where it is served.
    expect(devDependencies).to.include.keys(imported(path => path.startsWith('master/web/')))
  })

  it('has one version', () => {
    const { version } = readPackage('.')
    expect({ sdk: readPackage('sdk').version, masterVersion, agentVersion }).to.deep.equal({
      sdk: version,
      masterVersion: version,
      agentVersion: version,
    })
  })
})

describe('the check of the architecture', () => {
  const wrong: [path: string, text: string, problem: string][] = [
    [
      'sdk/values/role.ts',
      `import { Master } from '../../master/core/master.js'`,
      'sdk may import no other part, got ../../master/core/master.js',
    ],
    [
      'sdk/runtime/log.ts',
      `import '../../agent/version.js'`,
      'sdk may import no other part, got ../../agent/version.js',
    ],
    [
      'master/start-master.ts',
      `import type { Agent } from '../agent/core/agent.js'`,
      'master may import @tender/sdk, @tender/sdk/protocol, @tender/sdk/runtime, @tender/sdk/values, got ../agent/core/agent.js',
    ],
    [
      'agent/start-agent.ts',
      `export * from '../master/version.js'`,
      'agent may import @tender/sdk, @tender/sdk/protocol, @tender/sdk/runtime, @tender/sdk/values, got ../master/version.js',
    ],
    [
      'agent/start-agent.ts',
      `type A = import('../cli/main.js').A`,
      'agent may import @tender/sdk, @tender/sdk/protocol, @tender/sdk/runtime, @tender/sdk/values, got ../cli/main.js',
    ],
    [
      'agent/start-agent.ts',
      `import { MemoryStore } from '@tender/sdk/testing'`,
      'agent may import @tender/sdk, @tender/sdk/protocol, @tender/sdk/runtime, @tender/sdk/values, got @tender/sdk/testing',
    ],
    [
      'master/registry/registry.ts',
      `import { Driver } from '#sdk/scheduler/driver.js'`,
      'master may import @tender/sdk, @tender/sdk/protocol, @tender/sdk/runtime, @tender/sdk/values, got #sdk/scheduler/driver.js',
    ],
    [
      'frameworks/service/service.ts',
      `import { decoder } from '@tender/sdk/protocol'`,
      'frameworks may import @tender/sdk, got @tender/sdk/protocol',
    ],
    [
      'frameworks/service/service.ts',
      `import { run } from '../batch/run.js'`,
      'framework service must not know framework batch',
    ],
    [
      'examples/hello.ts',
      `const cli = await import('../cli/client.js')`,
      'examples may import @tender/sdk, got ../cli/client.js',
    ],
    [
      'cli/bootstrap/start.mjs',
      `import { Command } from 'commander'`,
      'cli/bootstrap runs before anything is installed or built: it may import node: and itself, got commander',
    ],
    [
      'master/start-master.ts',
      `import { connect } from 'nats'`,
      'package nats belongs in ^sdk\\/runtime\\/nats\\/',
    ],
    [
      'master/core/view.ts',
      `import { z } from 'left-pad'`,
      'package left-pad has no adapter yet: name it in test/support/architecture/rules.ts',
    ],
    [
      'agent/start-agent.ts',
      `const docker = require('dockerode')`,
      'package dockerode belongs in ^agent\\/containerizer\\/docker\\/',
    ],
    [
      'master/http/server.ts',
      `import { h } from 'preact/hooks'`,
      'package preact belongs in ^master\\/web\\/',
    ],
    [
      'master/core/master.ts',
      `import { systemClock, type Clock } from '@tender/sdk/runtime'`,
      'a core may take only types from @tender/sdk/runtime',
    ],
    [
      'master/core/master.ts',
      `import type { Readable } from 'node:stream'`,
      'a core must not know Node, got node:stream',
    ],
    [
      'agent/core/agent.ts',
      `import { Sandbox } from '../containerizer/sandbox.js'`,
      'a core may import only what is pure, got agent/containerizer/sandbox.js',
    ],
    ['agent/core/agent.ts', `const now = Date.now()`, 'a core must not touch Date.now'],
    [
      'agent/core/agent.ts',
      `const text = new Date().toISOString()`,
      'a core must not take the current time: new Date() needs one that was given',
    ],
    ['master/allocator/shares.ts', `const first = Math.random() < 0.5`, 'a core must not touch Math.random'],
    ['master/core/tick.ts', `setTimeout(() => {}, 5)`, 'a core must not touch setTimeout'],
    ['master/core/tick.ts', `const at = performance.now()`, 'a core must not touch performance'],
    ['master/core/tick.ts', `const { HOME } = process.env`, 'a core must not touch process'],
    ['master/core/tick.ts', `console.log('tick')`, 'a core must not touch console'],
    ['master/core/tick.ts', `let store: Promise<void>`, 'a core must not touch Promise'],
    ['master/core/tick.ts', `const tick = async () => {}`, 'a core must not wait: no async, no await'],
    [
      'frameworks/service/core/plan.ts',
      `export async function plan() {}`,
      'a core must not wait: no async, no await',
    ],
    [
      'sdk/scheduler/driver.ts',
      `class Driver { async step() {} }`,
      'a core must not wait: no async, no await',
    ],
    ['sdk/protocol/codec.ts', `const page = fetch`, 'a core must not touch fetch'],
  ]
  for (const [path, text, problem] of wrong) {
    it(`catches, in ${path}: ${text}`, () => {
      expect(complaints(path, `// a line before\n${text}\n`)).to.deep.equal([`${path}:2: ${problem}`])
    })
  }

  const right: [path: string, text: string][] = [
    ['agent/core/task.ts', `const text = new Date(5).toISOString()`],
    ['master/core/tick.ts', `// Date.now() and await\nconst text = 'process.exit() in new Date()'`],
    ['agent/core/task.ts', `const handle = { process: 1 }\nconst pid = handle.process`],
    ['master/core/tick.ts', `import type { LogFields, Clock } from '@tender/sdk/runtime'`],
    ['agent/core/agent.ts', `import type { ContainerExit } from '../containerizer/containerizer.js'`],
    ['master/start-master.ts', `import { readFile } from 'node:fs/promises'\nawait readFile('x')`],
    ['cli/commands/agent.ts', `import { startAgent } from '../../agent/start-agent.js'`],
    [
      'test/unit/x.test.ts',
      `import { Driver } from '#sdk/scheduler/driver.js'\nimport { connect } from 'nats'`,
    ],
    ['master/web/app.tsx', `const page = <p>{Date.now()}</p>`],
  ]
  for (const [path, text] of right) {
    it(`lets pass, in ${path}: ${text.split('\n')[0]}`, () =>
      expect(complaints(path, text)).to.deep.equal([]))
  }
})
