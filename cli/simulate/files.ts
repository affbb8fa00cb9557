import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError } from '@tender/sdk/runtime'
import { readScenarios, type Scenario } from './scenario-file.js'
import { ScenarioFileError } from './scenario-file-error.js'

/** The scenarios of these files and of the files below these folders. @throws ScenarioFileError for each wrong file */
export async function readAll(paths: readonly string[]): Promise<Scenario[]> {
  const files = (await Promise.all(paths.map(filesBelow))).flat()
  if (files.length === 0) {
    throw new ScenarioFileError(`${paths.join(', ')}: a folder holds .yaml, .yml or .json files, got none`)
  }
  const scenarios: Scenario[] = []
  const problems: string[] = []
  for (const file of files) {
    try {
      scenarios.push(...readScenarios(file, await readText(file)))
    } catch (error) {
      if (!(error instanceof ScenarioFileError)) throw error
      problems.push(error.message)
    }
  }
  if (problems.length > 0) throw new ScenarioFileError(problems.join('\n'))
  return scenarios
}

async function filesBelow(path: string): Promise<string[]> {
  const entry = await stat(path).catch((error: unknown) => unreadable(path, error))
  if (!entry.isDirectory()) return [path]
  const names = await readdir(path, { recursive: true }).catch((error: unknown) => unreadable(path, error))
  return names
    .filter(name => /\.(ya?ml|json)$/.test(name))
    .toSorted()
    .map(name => join(path, name))
}

async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: unknown) => unreadable(file, error))
}

function unreadable(path: string, error: unknown): never {
  throw new ScenarioFileError(`${path}: cannot be read: ${describeError(error)}`)
}
