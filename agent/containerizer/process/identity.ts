import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Pids come again; together with the time of the process's start and the boot that it was in they do not. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTime: string
  readonly bootId: string
}

/** Reads the supervisor's form, `pid bootId startTime`. */
export function parseIdentity(text: string | undefined): ProcessIdentity | undefined {
  const match = /^(\d+) (\S+) (.+)$/.exec(text?.trim() ?? '')
  const [, pid, bootId, startTime] = match ?? []
  if (pid === undefined || bootId === undefined || startTime === undefined) return undefined
  return { pid: Number(pid), bootId, startTime: oneSpaced(startTime) }
}

export async function isAlive({ pid, startTime, bootId }: ProcessIdentity): Promise<boolean> {
  return bootId === (await currentBootId()) && (await startTimeOf(pid)) === startTime
}

let bootIdRead: Promise<string> | undefined

export function currentBootId(): Promise<string> {
  bootIdRead ??= readBootId()
  return bootIdRead
}

async function readBootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  } catch {
    const { stdout } = await run('sysctl', ['-n', 'kern.boottime'])
    return stdout.replace(/[^0-9]+/g, '-')
  }
}

/** Undefined when no such process runs; one that has ended and was only not yet waited for does not run. */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return startTimeFromPs(pid)
  const fields = await statFields(pid)
  return fields && fields.state !== 'Z' && fields.state !== 'X' ? fields.startTime : undefined
}

async function startTimeFromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)])
    const [state, ...started] = oneSpaced(stdout).split(' ')
    return state === undefined || state.startsWith('Z') ? undefined : started.join(' ')
  } catch {
    return undefined
  }
}

interface StatFields {
  readonly state: string
  readonly session: number
  readonly startTime: string
}

async function statFields(pid: number): Promise<StatFields | undefined> {
  try {
    return parseStat(await readFile(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return undefined
  }
}

/** The second field, the program's name in parentheses, may hold anything: we count from behind it. */
export function parseStat(stat: string): StatFields | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, , , session] = fields
  const startTime = fields[19]
  if (state === undefined || session === undefined || startTime === undefined) return undefined
  return { state, session: Number(session), startTime }
}

/** The running processes of a session. Only where there is a /proc. */
export async function sessionMembers(session: number): Promise<number[]> {
  const names = await readdir('/proc').catch(() => [])
  const pids = names.filter(name => /^\d+$/.test(name)).map(Number)
  const fields = await Promise.all(pids.map(async pid => ({ pid, stat: await statFields(pid) })))
  return fields
    .filter(({ stat }) => stat?.session === session && !'ZX'.includes(stat.state))
    .map(({ pid }) => pid)
}

function oneSpaced(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}
