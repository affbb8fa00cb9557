import { ContainerStartError } from '../containerizer.js'

type Environment = Readonly<Record<string, string | undefined>>

/** What a task may know of the agent's environment. The rest may hold the agent's own secrets. */
const passedOn = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR']

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The environment that every task starts from, out of the agent's. */
export function baseEnvironment(agentEnvironment: Environment): Record<string, string> {
  const base: Record<string, string> = { PATH: defaultPath }
  for (const name of passedOn) {
    const value = agentEnvironment[name]
    if (value !== undefined) base[name] = value
  }
  return base
}

/** Shells drop variables with other names without a word, and there is a shell above every task. */
const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/

/** @throws ContainerStartError */
export function assertNames(environment: Environment): void {
  for (const name of Object.keys(environment)) {
    if (namePattern.test(name)) continue
    const rule = 'for a plain process these are letters, digits and _'
    throw new ContainerStartError(
      'start-failed',
      `${JSON.stringify(name)} cannot name an environment variable: ${rule}`,
    )
  }
}
