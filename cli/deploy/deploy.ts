import { requestJson } from '../client.js'

/** What the service framework says of an app, as far as a deployment looks at it. */
export interface AppProgress {
  readonly id: string
  readonly instances: number
  readonly tasksStaged: number
  readonly tasksRunning: number
  readonly version: string
  readonly deployments: readonly unknown[]
  readonly waiting?: { readonly code: string; readonly message: string }
  readonly lastTaskFailure?: {
    readonly message: string
    readonly state: string
    readonly timestamp: string
    readonly version: string
  }
}

export interface DeployOptions {
  readonly service: string
  readonly app: { readonly id?: unknown; readonly [field: string]: unknown }
  readonly timeoutMs: number
  /** Told of each look at the app. */
  readonly progress: (app: AppProgress) => void
  /** Do not wait until it runs. */
  readonly noWait?: boolean
}

/** An app that was taken but does not run; the message says why. */
export class DeployError extends Error {
  override readonly name = 'DeployError'
}

const pollMs = 200

/**
 * Puts an app and waits until all its instances run in this version.
 *
 * @throws EndpointError when the definition is refused
 * @throws DeployError when it does not run in time, saying why
 */
export async function deploy(options: DeployOptions): Promise<AppProgress | undefined> {
  const { service, app, timeoutMs, progress } = options
  if (typeof app.id !== 'string')
    throw new DeployError(`an app has an id, such as "/web", got ${JSON.stringify(app.id)}`)
  const url = new URL(`/v2/apps/${app.id.replace(/^\/+/, '')}`, service)
  // The file is the whole of it: what is not in there is at its default.
  const whole = new URL('?partialUpdate=false', url)
  const put = (await requestJson('service', whole, { method: 'PUT', body: app })) as { version: string }
  if (options.noWait) return undefined
  const endMs = performance.now() + timeoutMs
  for (;;) {
    const { app: now } = (await requestJson('service', url)) as { app: AppProgress }
    progress(now)
    if (now.version > put.version)
      throw new DeployError(`a newer version of ${now.id} was deployed meanwhile`)
    if (now.tasksRunning === now.instances && now.tasksStaged === 0 && now.deployments.length === 0)
      return now
    if (performance.now() > endMs) throw new DeployError(whyNot(now, timeoutMs))
    await new Promise(resolve => setTimeout(resolve, pollMs))
  }
}

function whyNot(app: AppProgress, timeoutMs: number): string {
  const failure = app.lastTaskFailure && `the last failure: ${app.lastTaskFailure.message}`
  const reasons = [app.waiting?.message, failure].filter(reason => reason !== undefined)
  const why = reasons.length > 0 ? reasons.join('; ') : 'no reason is known yet'
  return `${app.id}: ${app.tasksRunning} of ${app.instances} instances run after ${timeoutMs / 1_000} s: ${why}`
}
