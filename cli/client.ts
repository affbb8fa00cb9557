/** An endpoint answered with an error, or not at all. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError'
  /** 0: no answer. */
  readonly status: number
  readonly body: unknown
  constructor(status: number, message: string, body?: unknown, options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.body = body
  }
}

/** What an endpoint is called in messages, and how to have one. */
export const endpoints = {
  master: {
    name: 'master',
    advice: 'start a cluster with tender dev, or name its address with --master URL',
  },
  service: {
    name: 'service framework',
    advice: 'start a cluster with tender dev, or name its address with --service URL',
  },
} as const

export type Endpoint = keyof typeof endpoints

/** A request of JSON. @throws EndpointError saying who did not answer, or what the answer was */
export async function requestJson(
  endpoint: Endpoint,
  url: URL,
  options: { method?: string; body?: unknown } = {},
): Promise<unknown> {
  const response = await request(endpoint, url, {
    method: options.method ?? 'GET',
    ...(options.body === undefined
      ? {}
      : { body: JSON.stringify(options.body), headers: { 'content-type': 'application/json' } }),
  })
  return await response.json()
}

export async function request(endpoint: Endpoint, url: URL, init: RequestInit = {}): Promise<Response> {
  const { name, advice } = endpoints[endpoint]
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (error) {
    throw new EndpointError(0, `no ${name} answers at ${url.origin}; ${advice}`, undefined, {
      cause: rootCause(error),
    })
  }
  if (response.ok) return response
  const text = await response.text()
  throw new EndpointError(
    response.status,
    `the ${name} answers ${response.status}: ${messageIn(text)}`,
    parsed(text),
  )
}

function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** The message of an answer, with its details, a line each. */
function messageIn(text: string): string {
  const body = parsed(text) as { message?: string; details?: { path?: string; errors?: string[] }[] } | string
  if (typeof body === 'string') return body
  const details = (body.details ?? []).map(
    ({ path, errors }) => `\n  ${path || '/'}: ${(errors ?? []).join('; ')}`,
  )
  return `${body.message ?? text}${details.join('')}`
}
