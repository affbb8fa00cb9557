import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from 'yaml'
import { ScenarioFileError } from './scenario-file-error.js'

/** What a file holds, with the line of each part: errors name it. */
export type YamlNode =
  | { readonly kind: 'map'; readonly line: number; readonly entries: readonly YamlEntry[] }
  | { readonly kind: 'list'; readonly line: number; readonly items: readonly YamlNode[] }
  | { readonly kind: 'scalar'; readonly line: number; readonly value: YamlValue; readonly text: string }

export type YamlValue = string | number | boolean | null

export interface YamlEntry {
  readonly key: string
  readonly line: number
  readonly value: YamlNode
}

const starHint = 'the role * is written in quotes: "*"'

/**
 * Reads YAML 1.2, of which JSON is a part: the documents of a text, without the empty ones.
 * @throws ScenarioFileError
 */
export function readYaml(file: string, text: string): YamlNode[] {
  const lines = new LineCounter()
  // Keys that come twice are found below, where they can be named.
  const parsed = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false })
  const documents: Document[] = Array.isArray(parsed) ? parsed : []
  return documents.flatMap(document => {
    const [problem] = [...document.errors, ...document.warnings]
    if (problem) {
      const hint = problem.code === 'BAD_ALIAS' ? `; ${starHint}` : ''
      throw new ScenarioFileError(`${file}:${lines.linePos(problem.pos[0]).line}: ${problem.message}${hint}`)
    }
    const { contents } = document
    const isEmpty = contents === null || (isScalar(contents) && contents.value === null)
    return isEmpty ? [] : [new Reader(file, document, lines).node(contents)]
  })
}

/** From the parser's tree to ours. */
class Reader {
  readonly #file: string
  readonly #document: Document
  readonly #lines: LineCounter
  /** What is being read, from the outermost in: an alias of one of these would never end. */
  readonly #open = new Set<unknown>()

  constructor(file: string, document: Document, lines: LineCounter) {
    this.#file = file
    this.#document = document
    this.#lines = lines
  }

  node(node: unknown, fallbackLine = 1): YamlNode {
    const line = this.#lineOf(node) ?? fallbackLine
    if (isAlias(node)) return this.#alias(node.source, node.resolve(this.#document), line)
    if (isMap(node) || isSeq(node)) {
      this.#open.add(node)
      const read = isMap(node) ? this.#map(node.items, line) : this.#list(node.items, line)
      this.#open.delete(node)
      return read
    }
    if (!isScalar(node)) return { kind: 'scalar', line, value: null, text: '' }
    const { value, source } = node
    if (
      value === null ||
      typeof value === 'string' ||
      typeof value === 'number' ||
      typeof value === 'boolean'
    ) {
      return { kind: 'scalar', line, value, text: source ?? String(value) }
    }
    return this.#fail(line, `a value is text, a number, true, false or null, got '${source ?? typeof value}'`)
  }

  #alias(name: string, target: Node | undefined, line: number): YamlNode {
    if (!target) {
      return this.#fail(line, `'*${name}' is an alias of nothing; ${starHint}`)
    }
    if (this.#open.has(target)) return this.#fail(line, `'*${name}' is inside of what it stands for`)
    return this.node(target, line)
  }

  #map(items: readonly { key: unknown; value: unknown }[], line: number): YamlNode {
    const entries: YamlEntry[] = []
    const linesByKey = new Map<string, number>()
    for (const { key: keyNode, value } of items) {
      const key = this.node(keyNode, line)
      if (key.kind !== 'scalar') return this.#fail(key.line, `a key is text, got a ${key.kind}`)
      const before = linesByKey.get(key.text)
      if (before !== undefined) {
        return this.#fail(key.line, `key '${key.text}' is given twice, first on line ${before}`)
      }
      linesByKey.set(key.text, key.line)
      entries.push({ key: key.text, line: key.line, value: this.node(value, key.line) })
    }
    return { kind: 'map', line, entries }
  }

  #list(items: readonly unknown[], line: number): YamlNode {
    return { kind: 'list', line, items: items.map(item => this.node(item, line)) }
  }

  #lineOf(node: unknown): number | undefined {
    const range = (node as { range?: readonly number[] | null } | null)?.range
    return range?.[0] === undefined ? undefined : this.#lines.linePos(range[0]).line
  }

  #fail(line: number, rule: string): never {
    throw new ScenarioFileError(`${this.#file}:${line}: ${rule}`)
  }
}

/** As JSON, for the output. */
export function toJson(node: YamlNode): unknown {
  switch (node.kind) {
    case 'map':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, toJson(value)]))
    case 'list':
      return node.items.map(toJson)
    case 'scalar':
      return node.value
  }
}

/** What came, for the end of an error's sentence. */
export function describeNode(node: YamlNode): string {
  if (node.kind === 'map') {
    return node.entries.length === 0
      ? 'an empty map'
      : `a map of ${node.entries.map(({ key }) => key).join(', ')}`
  }
  if (node.kind === 'list')
    return node.items.length === 0 ? 'an empty list' : `a list of ${node.items.length}`
  return node.value === null ? 'nothing' : `'${node.text}'`
}
