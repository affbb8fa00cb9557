/** A scenario file is wrong: it names the file, the line, the key, what is allowed and what came. */
export class ScenarioFileError extends Error {
  override readonly name = 'ScenarioFileError'
}
