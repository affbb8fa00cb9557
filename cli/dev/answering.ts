import { requestJson } from '../client.js'
import { until } from './until.js'

interface Tasks {
  readonly tasks: readonly {
    readonly host: string
    readonly ports: readonly number[]
    readonly state: string
  }[]
}

/** Waits until so many instances of an app answer over HTTP; resolves with their URLs. */
export async function answering(
  service: string,
  appId: string,
  instances: number,
  timeoutMs: number,
): Promise<string[]> {
  return await until(`${instances} answering instances of ${appId}`, timeoutMs, async () => {
    const { tasks } = (await requestJson('service', new URL(`/v2/apps${appId}/tasks`, service))) as Tasks
    const urls = tasks
      .filter(({ state, ports }) => state === 'TASK_RUNNING' && ports.length > 0)
      .map(({ host, ports }) => `http://${host}:${ports[0]}/`)
    if (urls.length < instances) return undefined
    const answers = await Promise.all(
      urls.map(async url => (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok),
    )
    return answers.every(Boolean) ? urls.toSorted() : undefined
  })
}
