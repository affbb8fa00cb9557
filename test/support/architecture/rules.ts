import { posix } from 'node:path'
import { type Import, SourceFile, type SyntaxNode } from './source-file.js'

/** Which parts each part may import, besides itself (docs/architecture.md). */
const arrows: Readonly<Record<string, readonly string[]>> = {
  sdk: [],
  master: ['@tender/sdk', '@tender/sdk/protocol', '@tender/sdk/runtime', '@tender/sdk/values'],
  agent: ['@tender/sdk', '@tender/sdk/protocol', '@tender/sdk/runtime', '@tender/sdk/values'],
  // The public door only: what a framework of Tender's own needs, a stranger's needs as well.
  frameworks: ['@tender/sdk'],
  examples: ['@tender/sdk'],
  cli: [
    'master',
    'agent',
    'frameworks',
    'examples',
    '@tender/sdk',
    '@tender/sdk/protocol',
    '@tender/sdk/runtime',
    '@tender/sdk/values',
  ],
}

/** Where each third-party package may be imported; tests may import all of them. */
const adapters: Readonly<Record<string, RegExp>> = {
  nats: /^sdk\/runtime\/nats\//,
  msgpackr: /^sdk\/protocol\/codec\.ts$/,
  ajv: /^sdk\/protocol\/validation\.ts$/,
  tslog: /^sdk\/runtime\/log\.ts$/,
  dockerode: /^agent\/containerizer\/docker\//,
  'tar-stream': /^cli\/dev\//,
  express: /^(master|frameworks\/[^/]+)\/http\//,
  'prom-client': /^master\/http\//,
  re2js: /^master\/allocator\/constraints\.ts$/,
  tinyqueue: /^master\/allocator\/filters\.ts$/,
  preact: /^master\/web\//,
  '@preact/signals': /^master\/web\//,
  vite: /^master\/web\/vite\.config\.ts$/,
  commander: /^cli\//,
  'cli-progress': /^cli\//,
  'cli-table3': /^cli\//,
  'eventsource-parser': /^cli\//,
  picocolors: /^cli\//,
  yaml: /^cli\/simulate\/yaml-document\.ts$/,
}

/** The cores, and what they are made of: functions of their inputs, and nothing else (docs/architecture.md). */
const pure =
  /^(sdk\/values\/|sdk\/protocol\/|sdk\/scheduler\/(?!connect\.ts)|master\/(core|allocator)\/|master\/election\/(election|lease)\.ts$|master\/registry\/records\.ts$|agent\/core\/|frameworks\/[^/]+\/(core|definition)\/)/

/** What no core may touch: time, chance, the environment, the outside, and waiting. */
const impureNames = new Set([
  'performance',
  'process',
  'console',
  'crypto',
  'globalThis',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'Promise',
  'Buffer',
  'require',
])

/** All that is wrong with a file, each as `path:line: sentence`. */
export function complaints(path: string, text: string): string[] {
  const file = new SourceFile(path, text)
  const wrongImports = file.imports().flatMap(each => at(file, each.line, importProblem(path, each)))
  return pure.test(path) ? [...wrongImports, ...impurities(file)] : wrongImports
}

/** The packages that a file imports, without Node's own and those of this repository. */
export function packagesOf(path: string, text: string): string[] {
  const specifiers = new SourceFile(path, text).imports().map(({ specifier }) => specifier)
  return specifiers.filter(isPackage).map(packageOf)
}

function importProblem(path: string, { specifier, isTypeOnly }: Import): string | undefined {
  const [part = ''] = path.split('/')
  if (part === 'test') return undefined
  const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier
  if (path.startsWith('cli/bootstrap/') && !isTypeOnly) return bootstrapProblem(target)
  if (isPackage(specifier)) return packageProblem(path, packageOf(specifier), isTypeOnly)
  if (pure.test(path)) {
    const problem = coreProblem(target, isTypeOnly)
    if (problem !== undefined) return problem
  }
  if (specifier.startsWith('node:')) return undefined
  const home = specifier.startsWith('.') ? target.split('/')[0] : specifier
  const allowed = arrows[part] ?? []
  if (home === part || (home !== undefined && allowed.includes(home))) return frameworkProblem(path, target)
  return `${part} may import ${allowed.length > 0 ? allowed.join(', ') : 'no other part'}, got ${specifier}`
}

/** Frameworks do not know each other. */
function frameworkProblem(path: string, target: string): string | undefined {
  const [, mine] = /^frameworks\/([^/]+)\//.exec(path) ?? []
  const [, theirs] = /^frameworks\/([^/]+)\//.exec(target) ?? []
  if (mine === undefined || theirs === undefined || mine === theirs) return undefined
  return `framework ${mine} must not know framework ${theirs}`
}

/** What runs before anything is installed has only Node and itself. */
function bootstrapProblem(target: string): string | undefined {
  if (target.startsWith('node:') || target.startsWith('cli/bootstrap/')) return undefined
  return `cli/bootstrap runs before anything is installed or built: it may import node: and itself, got ${target}`
}

function packageProblem(path: string, name: string, isTypeOnly: boolean): string | undefined {
  const home = adapters[name]
  if (!home) return `package ${name} has no adapter yet: name it in test/support/architecture/rules.ts`
  // A type costs nothing and calls nothing, but it ties: so only beside its adapter.
  const isNear = isTypeOnly && name === 'dockerode' && path.startsWith('agent/containerizer/')
  return home.test(path) || isNear ? undefined : `package ${name} belongs in ${home.source}`
}

/** What a core imports as a value is pure as well; types may come from anywhere. */
function coreProblem(target: string, isTypeOnly: boolean): string | undefined {
  if (target.startsWith('node:')) return `a core must not know Node, got ${target}`
  if (isTypeOnly) return undefined
  if (target === '@tender/sdk/runtime') return 'a core may take only types from @tender/sdk/runtime'
  if (target.startsWith('@tender/')) return undefined
  return pure.test(target.replace(/\.js$/, '.ts'))
    ? undefined
    : `a core may import only what is pure, got ${target}`
}

function impurities(file: SourceFile): string[] {
  const found: string[] = []
  const add = (node: SyntaxNode, problem: string) => found.push(...at(file, file.lineOf(node), problem))
  file.visit((node, parent, field) => {
    if (node['async'] === true || node.type === 'AwaitExpression' || node['await'] === true) {
      add(node, 'a core must not wait: no async, no await')
    }
    if (node.type === 'Identifier' && !isName(parent, field)) {
      const name = String(node['name'])
      if (impureNames.has(name)) add(node, `a core must not touch ${name}`)
    }
    if (node.type === 'MemberExpression' && ['Math.random', 'Date.now'].includes(textOf(node))) {
      add(node, `a core must not touch ${textOf(node)}`)
    }
    if (isCurrentDate(node))
      add(node, 'a core must not take the current time: new Date() needs one that was given')
  })
  return found
}

/** `new Date()` and `Date()`; `new Date(givenMs)` is a function of its input. */
function isCurrentDate(node: SyntaxNode): boolean {
  const callee = node['callee'] as SyntaxNode | undefined
  if (callee?.['name'] !== 'Date') return false
  return node.type === 'CallExpression' || (node['arguments'] as unknown[]).length === 0
}

/** Whether an identifier only names a member or a field: `task.process`, `{ process: 1 }`. */
function isName(parent: SyntaxNode | undefined, field: string): boolean {
  return parent?.['computed'] !== true && (field === 'property' || field === 'key')
}

function textOf({ object, property }: SyntaxNode): string {
  return [object, property].map(each => (each as SyntaxNode | undefined)?.['name']).join('.')
}

function isPackage(specifier: string): boolean {
  return !/^(\.|node:|#|@tender\/)/.test(specifier)
}

/** `express/lib/x` is of `express`, `@preact/signals/y` of `@preact/signals`. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

function at(file: SourceFile, line: number, problem: string | undefined): string[] {
  return problem === undefined ? [] : [`${file.path}:${line}: ${problem}`]
}
