/** The limits of the control groups that a process is in, e.g. those of the container that the agent runs in. */
export interface CgroupLimits {
  readonly cpuLimit?: number
  readonly memLimitBytes?: number
}

/** Undefined for a file that is not there. */
export type ReadText = (path: string) => Promise<string | undefined>

const root = '/sys/fs/cgroup'

/** Of both versions: a host may use either, and some use one for this and the other for that. */
export async function readCgroupLimits(read: ReadText): Promise<CgroupLimits> {
  const memberships = parseMemberships((await read('/proc/self/cgroup')) ?? '')
  const unified = memberships.get('') ?? '/'
  const cpu = [
    ...(await readUpwards(read, { directory: root, path: unified, file: 'cpu.max' })).map(parseCpuMax),
    ...(await readV1CpuLimits(read, memberships.get('cpu') ?? '/')),
  ]
  const memoryPath = memberships.get('memory') ?? '/'
  const memory = [
    ...(await readUpwards(read, { directory: root, path: unified, file: 'memory.max' })),
    ...(await readUpwards(read, {
      directory: `${root}/memory`,
      path: memoryPath,
      file: 'memory.limit_in_bytes',
    })),
  ].map(parseLimit)
  const cpuLimit = smallest(cpu)
  const memLimitBytes = smallest(memory)
  return {
    ...(cpuLimit === undefined ? {} : { cpuLimit }),
    ...(memLimitBytes === undefined ? {} : { memLimitBytes }),
  }
}

/** Lines `id:controllers:path`, e.g. `4:cpu,cpuacct:/docker/1f`; version 2 is the line without controllers. */
export function parseMemberships(text: string): Map<string, string> {
  const memberships = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, controllers, ...path] = line.split(':')
    if (controllers === undefined) continue
    for (const controller of controllers.split(',')) memberships.set(controller, path.join(':'))
  }
  return memberships
}

interface Place {
  readonly directory: string
  readonly path: string
  readonly file: string
}

/**
 * A group is held to the limits of all groups above it. Inside a container the path is often the host's, of which only
 * the top can be seen here; then that is the container's own group.
 */
async function readUpwards(read: ReadText, { directory, path, file }: Place): Promise<string[]> {
  const parts = path.split('/').filter(part => part !== '' && part !== '..')
  const places = Array.from({ length: parts.length + 1 }, (_, depth) => [
    directory,
    ...parts.slice(0, depth),
    file,
  ])
  const texts = await Promise.all(places.map(place => read(place.join('/'))))
  return texts.filter(text => text !== undefined)
}

async function readV1CpuLimits(read: ReadText, path: string): Promise<(number | undefined)[]> {
  const directory = `${root}/cpu`
  const quotas = await readUpwards(read, { directory, path, file: 'cpu.cfs_quota_us' })
  const periods = await readUpwards(read, { directory, path, file: 'cpu.cfs_period_us' })
  return quotas.map((quota, index) => parseCpuMax(`${quota.trim()} ${periods[index] ?? ''}`))
}

/** `quota period` in microseconds; no limit is `max` in version 2 and -1 in version 1. */
export function parseCpuMax(text: string): number | undefined {
  const [quota, period] = text.trim().split(/\s+/).map(Number)
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined
}

function parseLimit(text: string): number | undefined {
  const bytes = Number(text.trim())
  return bytes > 0 ? bytes : undefined
}

function smallest(limits: readonly (number | undefined)[]): number | undefined {
  const known = limits.filter(limit => limit !== undefined)
  return known.length > 0 ? Math.min(...known) : undefined
}
