import { Logger } from 'tslog'

/** What a log line is about; ids of agent, framework, offer and task go here, not into the sentence. */
export type LogFields = Readonly<Record<string, unknown>>

/** The only thing that the rest of Tender knows of logging. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A log whose every line also carries these fields. */
  with(fields: LogFields): Log
}

/** Keeps nothing; for tests and for authors who log by themselves. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLog,
}

export const logFormats = ['pretty', 'json'] as const
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogFormat = (typeof logFormats)[number]
export type LogLevel = (typeof logLevels)[number]

const tslogLevels: Readonly<Record<LogLevel, number>> = { debug: 2, info: 3, warn: 4, error: 5 }

/** Fields under these names never reach a line, whatever their depth. */
const secretName = /^(env|environment|authorization|credentials)$|password|secret|token|apikey|privatekey/i

/**
 * A log on standard output: readable on a terminal, or one JSON object a line.
 * Values under names that are usually secret (passwords, tokens, environments) are not printed, nor credentials in URLs.
 */
export function createLog(options: { name: string; format: LogFormat; level: LogLevel }): Log {
  const logger = new Logger<Record<string, unknown>>({
    name: options.name,
    type: options.format,
    minLevel: tslogLevels[options.level],
    stack: { capture: 'off' },
    pretty: { template: '{{hh}}:{{MM}}:{{ss}}.{{ms}} {{logLevelName}} {{name}}  ', timeZone: 'local' },
  })
  return new TsLog(logger, options.format, {})
}

class TsLog implements Log {
  readonly #logger: Logger<Record<string, unknown>>
  readonly #format: LogFormat
  readonly #fields: LogFields

  constructor(logger: Logger<Record<string, unknown>>, format: LogFormat, fields: LogFields) {
    this.#logger = logger
    this.#format = format
    this.#fields = fields
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields)
  }
  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields)
  }
  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields)
  }
  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields)
  }
  with(fields: LogFields): Log {
    return new TsLog(this.#logger, this.#format, { ...this.#fields, ...fields })
  }

  #write(level: LogLevel, sentence: string, fields: LogFields = {}): void {
    // Most lines are not printed, and to make one costs more than what it tells of.
    if (tslogLevels[level] < this.#logger.settings.minLevel) return
    const message = withoutCredentials(sentence)
    const all = withoutSecrets({ ...this.#fields, ...fields }) as Record<string, unknown>
    if (this.#format === 'json') {
      this.#logger[level](unreserved(all), message)
      return
    }
    const pairs = Object.entries(all).filter(([, value]) => value !== undefined)
    this.#logger[level]([message, ...pairs.map(([name, value]) => `${name}=${asText(value)}`)].join(' '))
  }
}

/** tslog drops fields of these names without a word, so they get another name. */
function unreserved(fields: Record<string, unknown>): Record<string, unknown> {
  const reserved = ['message', 'level', 'levelId', 'time', '_logMeta']
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [reserved.includes(name) ? `${name}_` : name, value]),
  )
}

/** Deeper than any message of ours; an object that holds itself ends here. */
const deepest = 12

function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return withoutCredentials(value)
  if (value instanceof Error) return withoutCredentials(describeError(value))
  if (typeof value === 'function') return '[function]'
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === deepest) return '[deep]'
  if (Array.isArray(value)) return value.map(item => withoutSecrets(item, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return withoutCredentials(textOf(value))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      secretName.test(name) ? '[hidden]' : withoutSecrets(item, depth + 1),
    ]),
  )
}

/** An object of a class says itself what it is, `cpus:1`; one that does not is known by its class. */
function textOf(value: object): string {
  const text = value.toString.call(value)
  return text === '[object Object]' ? value.constructor.name : text
}

/** Hides user and password of URLs: `nats://[hidden]@host:4222`. */
export function withoutCredentials(text: string): string {
  return text.replaceAll(/(?<=:\/\/)[^\s/@]+(?=@)/g, '[hidden]')
}

/** An error's message with those of its causes: the first cause is what an operator needs. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${describeError(error.cause)}`
}

function asText(value: unknown): string {
  if (typeof value === 'string') return /[\s"]/.test(value) ? JSON.stringify(value) : value
  return JSON.stringify(value)
}
