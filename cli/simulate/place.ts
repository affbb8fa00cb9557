import { ScenarioFileError } from './scenario-file-error.js'
import { describeNode, type YamlNode } from './yaml-document.js'

/** The ids that a scenario introduces. */
export interface Names {
  readonly agents: Set<string>
  readonly frameworks: Set<string>
}

/** What the readers of one step, or of the settings, know of where they are. */
export interface Context {
  readonly file: string
  /** Such as `step 'agent'`, or `settings`. */
  readonly subject: string
  /** Introduced by the steps so far. */
  readonly known: Names
  /** Introduced anywhere in the scenario: an expectation may name what comes later. */
  readonly ever: Names
  /** The next step expects a refusal: what the cluster itself would refuse is left to it. */
  readonly mayBeRefused: boolean
}

/** A place inside a step, such as `used[0].role`: what an error names. */
export class Place {
  readonly context: Context
  readonly path: string

  constructor(context: Context, path = '') {
    this.context = context
    this.path = path
  }

  key(key: string): Place {
    return new Place(this.context, this.path === '' ? key : `${this.path}.${key}`)
  }

  index(index: number): Place {
    return new Place(this.context, `${this.path}[${index}]`)
  }

  /** `step 'agent': 'used[0].role' must be …, got …` */
  mustBe(node: YamlNode, allowed: string): never {
    const what = this.path === '' ? '' : `: '${this.path}'`
    throw this.#error(node.line, `${what} must be ${allowed}, got ${describeNode(node)}`)
  }

  /** `step 'agent': used[0]: unknown key 'rol'; allowed: …` */
  fail(line: number, problem: string): never {
    throw this.#error(line, this.path === '' ? `: ${problem}` : `: ${this.path}: ${problem}`)
  }

  #error(line: number, problem: string): ScenarioFileError {
    const { file, subject } = this.context
    return new ScenarioFileError(`${file}:${line}: ${subject}${problem}`)
  }
}
