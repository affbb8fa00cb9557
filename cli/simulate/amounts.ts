import { Resources } from '@tender/sdk/values'
import type { Place } from './place.js'
import { type Read, recordOf, text } from './readers.js'
import type { YamlNode } from './yaml-document.js'

/** The text of resources, checked and kept as it is written. */
export const resources: Read<string> = (node, place) => {
  const written = text(node, place)
  readResources(written, { node, place })
  return written
}

/** The one place that reads resources of a file. @throws ScenarioFileError */
function readResources(written: string, at: { node: YamlNode; place: Place }): Resources {
  try {
    return Resources.parse(written)
  } catch (error) {
    return at.place.fail(at.node.line, (error as Error).message)
  }
}

/** As `resources`, where nothing makes no sense. */
export const someResources: Read<string> = (node, place) => {
  const written = text(node, place)
  if (readResources(written, { node, place }).isEmpty) place.mustBe(node, 'resources other than nothing')
  return written
}

const quantityPart = /^\s*[A-Za-z][A-Za-z0-9_.-]*\s*:\s*\d+(\.\d{1,3})?\s*$/
const quantityRule = "names and numbers to 0.001 such as 'cpus:2;mem:1024'"

/** Plain names and numbers. Zeros are kept: in a limit they say "none at all". */
export const quantity: Read<string> = (node, place) => {
  const written = text(node, place)
  const problem = quantityProblem(written)
  return problem === undefined ? written : place.mustBe(node, `${quantityRule}${problem}`)
}

function quantityProblem(written: string): string | undefined {
  const parts = written.split(';').filter(part => part.trim() !== '')
  if (parts.some(part => !quantityPart.test(part))) return ''
  const names = parts.map(part => part.split(':')[0]?.trim())
  return new Set(names).size < names.length ? ', each name once' : undefined
}

/** `|` is or, `;` is and: `cpus:0.01|mem:32`. The empty text asks nothing. */
export const minAllocatable: Read<string> = (node, place) => {
  const written = text(node, place)
  const problem = written
    .split('|')
    .map(quantityProblem)
    .find(each => each !== undefined)
  return problem === undefined ? written : place.mustBe(node, `${quantityRule}, joined by '|' (or)${problem}`)
}

/** One for all roles, or one for each role that is named. */
export const minAllocatableByRole: Read<string | Readonly<Record<string, string>>> = (node, place) =>
  node.kind === 'map' ? recordOf(minAllocatable)(node, place) : minAllocatable(node, place)
