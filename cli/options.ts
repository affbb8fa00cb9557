import {
  parseQuantities,
  type Quantities,
  quantitiesToWire,
  Resources,
  ResourcesTextError,
  type WireResources,
} from '@tender/sdk/values'
import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  createLog,
  findCluster,
  type Log,
  type LogFormat,
  logFormats,
  type LogLevel,
  logLevels,
} from '@tender/sdk/runtime'

/** Options that several commands have. Each may also come from the environment; `--help` shows the variable. */

export interface LogOptions {
  readonly logFormat: LogFormat
  readonly logLevel: LogLevel
}

export function addLogOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--log-format <format>', 'how log lines look')
        .choices(logFormats)
        .default('pretty')
        .env('TENDER_LOG_FORMAT'),
    )
    .addOption(
      new Option('--log-level <level>', 'the least that is logged')
        .choices(logLevels)
        .default('info')
        .env('TENDER_LOG_LEVEL'),
    )
}

export function logOf(name: string, options: LogOptions): Log {
  return createLog({ name, format: options.logFormat, level: options.logLevel })
}

/** Where the cluster is: told, or from `.tender/cluster.json` of one that runs here, or the default ports. */
export function addClusterOptions(command: Command): Command {
  const found = findCluster(process.env, process.cwd())
  return command
    .addOption(
      new Option('--cluster <name>', 'name of the cluster').default(found.cluster).env('TENDER_CLUSTER'),
    )
    .addOption(
      new Option('--nats <url>', 'NATS servers, joined by commas').default(found.nats).env('TENDER_NATS'),
    )
}

export function masterOption(): Option {
  const found = findCluster(process.env, process.cwd())
  return new Option('--master <url>', "the master's web endpoint").default(found.master).env('TENDER_MASTER')
}

export function serviceOption(): Option {
  const found = findCluster(process.env, process.cwd())
  return new Option('--service <url>', "the service framework's endpoint")
    .default(found.service)
    .env('TENDER_SERVICE')
}

/** For processes that `tender dev` starts: they end with it, however it ends. */
export function stopWithStdinOption(): Option {
  return new Option('--stop-with-stdin', 'stop when standard input is closed').default(false).hideHelp()
}

export function port(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65_535) {
    throw new InvalidArgumentError(`a port is a number from 0 (any free one) to 65535, got '${text}'.`)
  }
  return value
}

export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError(`it must be a whole number of 1 or more, got '${text}'.`)
  return Number(text)
}

export function percent(text: string): number {
  const value = Number(text)
  if (!/^\d{1,3}(\.\d+)?$/.test(text) || value > 100)
    throw new InvalidArgumentError(`a share is a number from 0 to 100, in percent, got '${text}'.`)
  return value
}

/** `500ms`, `5s`, `10m`, `1h` or `2d`, to milliseconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  if (!match?.[1] || !match[2])
    throw new InvalidArgumentError(`a duration is like 500ms, 5s, 10m, 1h or 2d, got '${text}'.`)
  return Math.round(Number(match[1]) * (units[match[2]] ?? 1))
}

/** As `duration`, of 1 ms or more. */
export function positiveDuration(text: string): number {
  const ms = duration(text)
  if (ms < 1) throw new InvalidArgumentError(`it must be 1ms or longer, got '${text}'.`)
  return ms
}

/** Below, a leader that is busy for a moment cannot be told from one that is gone; above, nobody wants to wait for it. */
export function leaseDuration(text: string): number {
  const ms = duration(text)
  if (ms < 500 || ms > 300_000) throw new InvalidArgumentError(`a lease is from 500ms to 5m, got '${text}'.`)
  return ms
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError(`it must be a whole number from 0 to 999999999, got '${text}'.`)
  return Number(text)
}

export function yesOrNo(text: string): boolean {
  if (text !== 'true' && text !== 'false')
    throw new InvalidArgumentError(`it must be true or false, got '${text}'.`)
  return text === 'true'
}

/** `gpus,licences`: names of resources. */
export function names(text: string): string[] {
  if (text.trim() === '') return []
  const list = text.split(',').map(name => name.trim())
  const wrong = list.find(name => !/^[A-Za-z][\w.-]*$/.test(name))
  if (wrong !== undefined)
    throw new InvalidArgumentError(
      `it is names of resources, joined by commas, such as gpus, got '${wrong}'.`,
    )
  return list
}

export function regionName(text: string): string {
  const name = text.trim()
  if (name === '' || name.length > 200 || name.includes('/'))
    throw new InvalidArgumentError(
      `a region is of 1 to 200 characters without '/', such as north, got '${text}'.`,
    )
  return name
}

export function weight(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && value <= 1_000_000))
    throw new InvalidArgumentError(`a weight is a number above 0, at most 1000000, got '${text}'.`)
  return value
}

/** An instant such as `2030-01-31T22:00:00Z`, of this machine's zone unless told; or how long from now: `2h`. */
export function instant(text: string, now = Date.now()): number {
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return now + durationOrDate(text)
  const instantMs = Date.parse(text)
  if (Number.isNaN(instantMs)) throw new InvalidArgumentError(`there is no such time, got '${text}'.`)
  return instantMs
}

function durationOrDate(text: string): number {
  try {
    return duration(text)
  } catch {
    throw new InvalidArgumentError(
      `a time is like 2030-01-31T22:00:00Z, or from now on like 30m, 2h or 1d, got '${text}'.`,
    )
  }
}

/** `cpus:2;mem:1024`, as in JSON. */
export function quantities(text: string): Record<string, number> {
  return readText(() => quantitiesToWire(parseQuantities(text)))
}

/** `cpus:0.01|mem:32`: one of these amounts, whole. The empty text asks for nothing. */
export function minimum(text: string): Quantities[] {
  if (text.trim() === '') return []
  let position = 1
  return text.split('|').map(alternative => {
    const amounts = readText(() => parseQuantities(alternative))
    if (amounts.size === 0)
      throw new InvalidArgumentError(
        `position ${position}: there must be amounts such as cpus:0.01 on both sides of '|', got '${text}'.`,
      )
    position += alternative.length + 1
    return amounts
  })
}

/** `cpus(web,dynamic):2;ports:[31000-31009]`, as in JSON. */
export function resources(text: string): WireResources {
  return readText(() => Resources.parse(text).toWire())
}

function readText<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof ResourcesTextError) throw new InvalidArgumentError(`${error.message}.`)
    throw error
  }
}
