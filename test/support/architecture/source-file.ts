import { parseSync } from 'vite'

/** A module that a file names, and whether it is there at run time or only for the compiler. */
export interface Import {
  readonly specifier: string
  readonly isTypeOnly: boolean
  readonly line: number
}

/** A part of a syntax tree (ESTree with TypeScript's additions): a kind, and whatever belongs to it. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly [name: string]: unknown
}

/**
 * One file of source, read with a real parser (the one that Vite brings), so that comments, texts and types are not
 * taken for code.
 */
export class SourceFile {
  /** From the repository's root, with `/`. */
  readonly path: string
  readonly #text: string
  readonly #program: SyntaxNode

  constructor(path: string, text: string) {
    this.path = path
    this.#text = text
    const { errors, program } = parseSync(path, text, { lang: path.endsWith('x') ? 'tsx' : 'ts' })
    if (errors.length > 0) throw new SyntaxError(`${path}: ${errors[0]?.message}`)
    this.#program = program as unknown as SyntaxNode
  }

  lineOf(node: SyntaxNode): number {
    return this.#text.slice(0, node.start).split('\n').length
  }

  /** All that it names: imports, re-exports, `import()`, `require()`, and types from elsewhere. */
  imports(): Import[] {
    const found: Import[] = []
    this.visit(node => {
      const source = sourceOf(node)
      if (typeof source !== 'string') return
      found.push({ specifier: source, isTypeOnly: isTypeOnly(node), line: this.lineOf(node) })
    })
    return found
  }

  /** Walks over the whole tree, parents first. */
  visit(look: (node: SyntaxNode, parent: SyntaxNode | undefined, field: string) => void): void {
    const walk = (node: SyntaxNode, parent: SyntaxNode | undefined, at: string) => {
      look(node, parent, at)
      for (const [field, value] of Object.entries(node)) {
        for (const child of [value].flat()) if (isNode(child)) walk(child, node, field)
      }
    }
    walk(this.#program, undefined, '')
  }
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function sourceOf(node: SyntaxNode): unknown {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return literalOf(node['source'])
    case 'CallExpression': {
      const isRequire = isNode(node['callee']) && node['callee']['name'] === 'require'
      return isRequire ? literalOf((node['arguments'] as unknown[])[0]) : undefined
    }
    default:
      return undefined
  }
}

function literalOf(node: unknown): unknown {
  return isNode(node) ? node['value'] : undefined
}

function isTypeOnly(node: SyntaxNode): boolean {
  if (node.type === 'TSImportType') return true
  if (node['importKind'] === 'type' || node['exportKind'] === 'type') return true
  const names = node['specifiers']
  if (!Array.isArray(names) || names.length === 0) return false
  return names.every(name => isNode(name) && (name['importKind'] === 'type' || name['exportKind'] === 'type'))
}
