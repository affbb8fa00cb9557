import { minAllocatable } from './amounts.js'
import { type Context, type Names, Place } from './place.js'
import {
  boolean,
  listOf,
  mapOf,
  oneOf,
  optional,
  type Read,
  required,
  text,
  type Value,
  wholeNumber,
} from './readers.js'
import { ScenarioFileError } from './scenario-file-error.js'
import { type Step, type StepKind, steps } from './steps.js'
import { readYaml, toJson, type YamlEntry, type YamlNode } from './yaml-document.js'

const timeoutMs: Read<number | null> = (node, place) => {
  if (node.kind === 'scalar' && node.value === null) return null
  const isNumber = node.kind === 'scalar' && Number.isSafeInteger(node.value) && (node.value as number) > 0
  return isNumber ? (node.value as number) : place.mustBe(node, 'a whole number of 1 or more, or null')
}

const settings = mapOf({
  allocationIntervalMs: optional(wholeNumber(1)),
  allocateOnRelease: optional(boolean),
  offerTimeoutMs: optional(timeoutMs),
  minAllocatable: optional(minAllocatable),
  fairnessExcluded: optional(listOf(text)),
  demandAware: optional(boolean),
  seed: optional(wholeNumber(0)),
  sorter: optional(oneOf(['drf', 'random'] as const)),
})

/** What is undefined is at the product's default. */
export type ScenarioSettings = Partial<Value<typeof settings>>

export interface Scenario {
  readonly file: string
  readonly name: string
  readonly settings: ScenarioSettings
  readonly steps: readonly Step[]
}

/** The scenarios of a file, each a YAML document. @throws ScenarioFileError */
export function readScenarios(file: string, content: string): Scenario[] {
  const documents = readYaml(file, content)
  if (documents.length === 0) throw new ScenarioFileError(`${file}:1: a file holds scenarios, got none`)
  return documents.map((document, index) =>
    readScenario(file, document, documents.length > 1 ? index + 1 : 0),
  )
}

function readScenario(file: string, document: YamlNode, number: number): Scenario {
  const nobody: Names = { agents: new Set(), frameworks: new Set() }
  const place = (subject: string) =>
    new Place({ file, subject, known: nobody, ever: nobody, mayBeRefused: false })
  const asItIs: Read<YamlNode> = node => node
  const fields = mapOf({
    name: optional(text),
    settings: optional((node: YamlNode) => settings(node, place('settings'))),
    steps: required(asItIs),
  })
  const scenario = fields(document, place('scenario'))
  return {
    file,
    name: scenario.name ?? (number > 0 ? `${file} (${number})` : file),
    settings: scenario.settings ?? {},
    steps: readSteps(file, scenario.steps),
  }
}

function readSteps(file: string, list: YamlNode): Step[] {
  const known: Names = { agents: new Set(), frameworks: new Set() }
  const context = { file, known, ever: namesOf(list), mayBeRefused: false }
  const place = new Place({ ...context, subject: 'scenario' }, 'steps')
  if (list.kind !== 'list') return place.mustBe(list, 'a list of steps')
  return list.items.map((item, index) => {
    const entry = onlyEntry(item, place.index(index))
    const mayBeRefused = keyOf(list.items[index + 1]) === 'expectError'
    return readStep(entry, { ...context, subject: `step '${entry.key}'`, mayBeRefused })
  })
}

function onlyEntry(item: YamlNode, place: Place): YamlEntry {
  const [entry, other] = item.kind === 'map' ? item.entries : []
  if (entry && !other) return entry
  return place.mustBe(item, 'a step, a map of one key')
}

function readStep({ key, line, value }: YamlEntry, context: Context): Step {
  if (!Object.hasOwn(steps, key)) {
    const allowed = Object.keys(steps).join(', ')
    throw new ScenarioFileError(`${context.file}:${line}: unknown step '${key}'; allowed: ${allowed}`)
  }
  const kind = key as StepKind
  const read: Read<unknown> = steps[kind]
  return { kind, line, value: read(value, new Place(context)), written: toJson(value) } as Step
}

function keyOf(step: YamlNode | undefined): string | undefined {
  return step?.kind === 'map' ? step.entries[0]?.key : undefined
}

/** All ids that the scenario introduces, wherever: an expectation may be ahead of them. */
function namesOf(list: YamlNode): Names {
  const names: Names = { agents: new Set(), frameworks: new Set() }
  for (const step of itemsOf(list)) {
    for (const { key, value } of entriesOf(step)) {
      if (key === 'agent') addText(names.agents, field(value, 'id'))
      if (key === 'framework') addText(names.frameworks, field(value, 'id'))
      for (const used of itemsOf(field(value, 'used'))) addText(names.frameworks, field(used, 'framework'))
    }
  }
  return names
}

function itemsOf(node: YamlNode | undefined): readonly YamlNode[] {
  return node?.kind === 'list' ? node.items : []
}

function entriesOf(node: YamlNode | undefined): readonly YamlEntry[] {
  return node?.kind === 'map' ? node.entries : []
}

function field(node: YamlNode | undefined, name: string): YamlNode | undefined {
  return entriesOf(node).find(({ key }) => key === name)?.value
}

function addText(names: Set<string>, node: YamlNode | undefined): void {
  if (node?.kind === 'scalar') names.add(node.text)
}
