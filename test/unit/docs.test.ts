import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  agentToLeader,
  errorCodes,
  frameworkToLeader,
  leaderToAgent,
  leaderToFramework,
  statusReasons,
} from '@tender/sdk/protocol'
import { taskStates } from '@tender/sdk/values'
import { expect } from 'chai'
import { Command } from 'commander'
import { describe, it } from 'mocha'
import { addAgentCommand } from '../../cli/commands/agent.js'
import { addDeployCommand } from '../../cli/commands/deploy.js'
import { addDevCommand } from '../../cli/commands/dev.js'
import { addListCommands } from '../../cli/commands/lists.js'
import { addLogsCommand } from '../../cli/commands/logs.js'
import { addMasterCommand } from '../../cli/commands/master.js'
import { addOperatorCommands } from '../../cli/commands/operators.js'
import { addServiceCommand } from '../../cli/commands/service.js'
import { addSimulateCommand } from '../../cli/commands/simulate.js'
import { MasterWorld } from '../../cli/simulate/master-world.js'
import { failureLines } from '../../cli/simulate/report.js'
import { runScenario } from '../../cli/simulate/run.js'
import { readScenarios } from '../../cli/simulate/scenario-file.js'
import { steps } from '../../cli/simulate/steps.js'
import { reasons } from '../../master/allocator/reasons.js'
import type { operatorCalls } from '../../master/core/operator-calls.js'
import { errorView } from '../../master/http/errors.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

const read = (file: string) => readFileSync(join(root, file), 'utf8')

const files = [
  'README.md',
  'sdk/README.md',
  'examples/README.md',
  'examples/web/README.md',
  'frameworks/service/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]

/** All that a pattern's first group matches, each once. */
function found(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(match => match[1] ?? ''))]
}

/** What stands in backticks, or on the lines of a code block. */
function code(text: string): string {
  const blocks = found(text, /^```\w*\n(.*?)^```/gms)
  const rest = text.replaceAll(/^```.*?^```/gms, '')
  return [...blocks, ...found(rest, /`([^`\n]+)`/g)].join('\n')
}

/** The names that GitHub gives to headings. */
function anchors(text: string): string[] {
  return found(text, /^#+ (.+)$/gm).map(heading =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

function isBroken(file: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? file : join(dirname(file), path)
  if (!existsSync(join(root, target))) return true
  return anchor !== undefined && !anchors(read(target)).includes(anchor)
}

/** The scenarios of a page, each under the lines that it has there, so that an error names its place. */
function scenariosOf(file: string) {
  const text = read(file)
  return [...text.matchAll(/^```yaml\n(.*?)^```/gms)].flatMap(({ 0: block, 1: scenario = '', index }) => {
    const linesBefore = text.slice(0, index).split('\n').length
    return block.includes('\nsteps:') ? readScenarios(file, '\n'.repeat(linesBefore) + scenario) : []
  })
}

/** Where operators find what they can call: a route of the table with this method, and a command. */
const operatorsWays: Readonly<Record<keyof typeof operatorCalls, readonly [route: string, command: string]>> =
  {
    'set-weight': ['PUT /api/v1/roles/{role}', 'tender roles weight'],
    'reset-role': ['DELETE /api/v1/roles/{role}', 'tender roles reset'],
    'set-quotas': ['PUT /api/v1/quota', 'tender quota set'],
    reserve: ['POST /api/v1/reservations', 'tender reserve'],
    unreserve: ['DELETE /api/v1/reservations', 'tender unreserve'],
    'create-volumes': ['POST /api/v1/volumes', 'tender volumes create'],
    'destroy-volumes': ['DELETE /api/v1/volumes', 'tender volumes destroy'],
    'set-maintenance': ['PUT /api/v1/maintenance', 'tender maintenance set'],
    drain: ['POST /api/v1/agents/{agentId}/drain', 'tender drain'],
    deactivate: ['POST /api/v1/agents/{agentId}/deactivate', 'tender deactivate'],
    reactivate: ['POST /api/v1/agents/{agentId}/reactivate', 'tender reactivate'],
    'remove-agent': ['DELETE /api/v1/agents/{agentId}', 'tender agents remove'],
    'tear-down': ['DELETE /api/v1/frameworks/{frameworkId}', 'tender frameworks teardown'],
    'confirm-silent': ['POST /api/v1/agents/confirm-silent', 'tender agents confirm-silent'],
    'set-whitelist': ['PUT /api/v1/whitelist', 'tender whitelist set'],
  }

describe('the documentation', () => {
  for (const file of files) {
    it(`links and names only files that exist: ${file}`, () => {
      const text = read(file)
      const links = found(text, /\]\((?!https?:)([^)\s]+)\)/g)
      expect(links.filter(link => isBroken(file, link))).to.deep.equal([])
      const paths = found(text, /`((?:sdk|master|agent|frameworks|cli|examples|test|docs|\.ci)\/[\w./-]*)`/g)
      expect(paths.filter(path => !existsSync(join(root, path)))).to.deep.equal([])
    })
  }

  it('explains each error code, and no other', () => {
    const section = read('docs/protocol.md').split('## Error codes')[1]?.split('\n## ')[0] ?? ''
    expect(found(section, /^\| `([a-z-]+)` +\|/gm)).to.have.members([...errorCodes])
  })

  it('explains each state and each reason of a status, and no other', () => {
    const words = (file: string) =>
      found(read(file), /`([A-Z]+(?:_[A-Z]+)*)`/g).filter(word => !/^(TENDER|DOCKER)_/.test(word))
    expect(words('docs/frameworks.md')).to.include.members([...taskStates])
    expect(words('docs/protocol.md')).to.have.members([...statusReasons])
  })

  it('names each kind of message', () => {
    const directions = [frameworkToLeader, leaderToFramework, agentToLeader, leaderToAgent]
    const kinds = directions.flatMap(messages => Object.keys(messages))
    const words = found(read('docs/protocol.md'), /`([a-z-]+)`/g)
    expect(words).to.include.members(kinds)
  })

  it('lists each metric and each route, and no other', () => {
    const operations = read('docs/operations.md')
    const metrics = found(read('master/http/metrics.ts'), /'(tender_\w+)'/g)
    expect(found(operations, /`(tender_\w+)`/g)).to.have.members(metrics)
    const sources = readdirSync(join(root, 'master/http/routes')).map(name =>
      read(`master/http/routes/${name}`),
    )
    const routes = found(sources.join('\n'), /'(\/(?:api\/v1\/|metrics)[^']*)'/g)
    const table = found(operations, /^\| (`\/[^|]*)\|/gm).join()
    expect(found(table, /`([^`]+)`/g)).to.have.members(routes)
  })

  it('names each command and each of its flags, and no other', () => {
    const program = new Command()
    addDevCommand(program)
    addMasterCommand(program)
    addAgentCommand(program)
    addServiceCommand(program)
    addListCommands(program)
    addOperatorCommands(program)
    addDeployCommand(program)
    addLogsCommand(program)
    addSimulateCommand(program)
    const names = program.commands.map(command => command.name())
    expect(found(code(read('README.md')), /\btender ([a-z]+)/g)).to.include.members(names)
    const used = files.flatMap(file => found(code(read(file)), /\btender ([a-z]+)/g))
    expect(used.filter(name => name !== 'help' && !names.includes(name))).to.deep.equal([])

    const operations = code(read('docs/operations.md'))
    const operators = new Command()
    addOperatorCommands(operators)
    const described = ['dev', 'master', 'agent', 'service', 'simulate']
    const parts = program.commands.filter(each => described.includes(each.name()))
    const options = [...parts, ...operators.commands, ...operators.commands.flatMap(each => each.commands)]
      .flatMap(part => part.options)
      .filter(option => !option.hidden)
    const expected = options.flatMap(({ long, envVar }) => [long, envVar]).filter(text => text !== undefined)
    expect(expected.filter(text => !operations.includes(text))).to.deep.equal([])
    const inner = operators.commands.flatMap(each => each.commands.map(sub => `${each.name()} ${sub.name()}`))
    expect(inner.filter(name => !operations.includes(`tender ${name}`))).to.deep.equal([])
  })

  it('lists each code that the web endpoint answers with, and no other', () => {
    const section = read('docs/operations.md').split('**Errors** are')[1]?.split('**Standbys**')[0] ?? ''
    const codes = found(section, /`([a-z-]+)`/g)
    expect(codes).to.have.members((errorView as any).properties.code.enum)
  })

  for (const scenario of files.flatMap(scenariosOf)) {
    it(`shows a scenario that runs: ${scenario.file}: ${scenario.name}`, () => {
      const { failure } = runScenario(scenario, settings => new MasterWorld(settings))
      expect(failure && failureLines(scenario, failure).join('\n')).to.equal(undefined)
    })
  }

  it('explains each step of a scenario, and no other', () => {
    const text = read('docs/scenarios.md')
    const sections = text.split('## Steps')[1]?.split('\n## Time')[0] ?? ''
    const firstCells = found(sections, /^\| (`[^|]*)\|/gm).join()
    expect(found(firstCells, /`([A-Za-z]+)`/g)).to.have.members(Object.keys(steps))
  })

  it('explains each reason why there is no offer, and no other', () => {
    const section = read('docs/allocation.md').split('## Why there is no offer')[1] ?? ''
    expect(found(section, /^\| `([a-z-]+)` +\|/gm)).to.deep.equal([...reasons])
  })

  it("names a route and a command for each operator's call", () => {
    const operations = read('docs/operations.md')
    const routes = [...operations.matchAll(/^\| `(\/api[^`]*)` +\| ([A-Z, ]+?) +\|/gm)].flatMap(
      ([, path = '', methods = '']) => methods.split(', ').map(method => `${method} ${path}`),
    )
    const commands = code(operations)
    for (const [route, command] of Object.values(operatorsWays)) {
      expect(routes).to.include(route)
      expect(commands).to.include(command)
    }
  })
})
