import { ProtocolError, type TaskInfo } from '@tender/sdk/protocol'
import { kindOf, ranges, Resources } from '@tender/sdk/values'
import type { Agent } from './state.js'

/**
 * Whether a task can be launched on what is left of an offer.
 *
 * @returns what it takes
 * @throws ProtocolError `invalid-task` or `insufficient-resources`, naming the rule and what came
 */
export function checkTask(info: TaskInfo, agent: Agent, left: Resources): Resources {
  const resources = taskResources(info)
  if (!left.contains(resources)) {
    throw new ProtocolError(
      'insufficient-resources',
      `task ${info.taskId} asks for ${missing(resources, left)}`,
    )
  }
  for (const key of resources.keys()) {
    const whole = Resources.of([...left.entries()].filter(([each]) => each === key))
    if (kindOf(key).volume && !resources.contains(whole)) {
      throw invalid(info, `a volume is taken whole (${String(whole)}), got ${String(resources)}`)
    }
  }
  if (info.shell !== undefined && info.args !== undefined) {
    throw invalid(info, `either shell or args may be given, got both`)
  }
  if (!info.container && info.shell === undefined && info.args === undefined) {
    throw invalid(info, 'one of shell, args or container must say what to run, got none')
  }
  const needed = info.container ? 'docker' : 'process'
  if (!agent.info.containerizers.includes(needed)) {
    const has = agent.info.containerizers.join(', ')
    throw invalid(info, `it needs the ${needed} containerizer, agent ${agent.agentId} has ${has || 'none'}`)
  }
  checkPorts(info, resources)
  return resources
}

function taskResources(info: TaskInfo): Resources {
  try {
    const resources = Resources.fromWire(info.resources)
    if (!resources.isEmpty) return resources
  } catch (error) {
    throw invalid(info, (error as Error).message)
  }
  throw invalid(info, 'resources must hold something, got nothing')
}

function checkPorts(info: TaskInfo, resources: Resources): void {
  const seen = new Set<string>()
  for (const { hostPort, protocol = 'tcp' } of info.container?.portMappings ?? []) {
    if (!ranges.includes(resources.ranges('ports'), [[hostPort, hostPort]])) {
      const has = resources.ranges('ports').map(([begin, end]) => `${begin}-${end}`)
      throw invalid(
        info,
        `hostPort must be one of the ports in its resources (${has.join(', ') || 'none'}), got ${hostPort}`,
      )
    }
    const end = `${protocol} ${hostPort}`
    if (seen.has(end)) throw invalid(info, `a hostPort is mapped once for each protocol, got ${end} twice`)
    seen.add(end)
  }
}

function invalid(info: TaskInfo, rule: string): ProtocolError {
  return new ProtocolError('invalid-task', `task ${info.taskId}: ${rule}`)
}

/** `cpus:4, of which cpus:1.5 is left in the offer` for each resource that is short. */
function missing(wanted: Resources, left: Resources): string {
  return wanted
    .keys()
    .map(key => [Resources.of([...wanted.entries()].filter(([each]) => each === key)), key] as const)
    .filter(([one]) => !left.contains(one))
    .map(([one, key]) => {
      const there = Resources.of([...left.entries()].filter(([each]) => each === key))
      return `${String(one)} where ${there.isEmpty ? `no ${key}` : String(there)} is left of the offers`
    })
    .join(', and ')
}
