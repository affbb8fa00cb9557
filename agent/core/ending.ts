import type { ContainerExit, ContainerStartReason } from '../containerizer/containerizer.js'
import type { AgentTaskState, Happening } from './task.js'

/** What the end of a container means for its task. Success is exit code 0, and nothing else. */
export function ending(task: AgentTaskState, exit: ContainerExit): Happening {
  const code = exit.exitCode === undefined ? {} : { exitCode: exit.exitCode }
  const said = exit.message === undefined ? '' : `: ${exit.message}`
  if (task.killReason) return { state: 'KILLED', reason: task.killReason, ...code }
  if (exit.outOfMemory) {
    const limit = task.info.resources.mem
    const message = `it used more memory than its limit of ${typeof limit === 'number' ? limit : 0} MB and was ended${said}`
    return { state: 'FAILED', reason: 'CONTAINER_LIMITATION_MEMORY', message, ...code }
  }
  if (exit.exitCode === undefined) {
    return { state: 'FAILED', reason: 'CONTAINER_LOST', message: `how it ended cannot be known${said}` }
  }
  if (exit.exitCode === 0) return { state: 'FINISHED', reason: 'COMMAND_EXITED', exitCode: 0 }
  const signal = exit.exitCode > 128 ? ` (signal ${exit.exitCode - 128})` : ''
  return {
    state: 'FAILED',
    reason: 'COMMAND_EXITED',
    message: `exit status ${exit.exitCode}${signal}${said}`,
    ...code,
  }
}

/** What it means that a container could not be started. */
export function startFailure(task: AgentTaskState, reason: ContainerStartReason, message: string): Happening {
  if (task.killReason) return { state: 'KILLED', reason: 'TASK_KILLED_DURING_LAUNCH', message }
  switch (reason) {
    case 'image-not-found':
      return { state: 'FAILED', reason: 'IMAGE_NOT_FOUND', message }
    case 'image-pull-failed':
      return { state: 'FAILED', reason: 'IMAGE_PULL_FAILED', message }
    case 'command-not-found':
      return { state: 'FAILED', reason: 'COMMAND_NOT_FOUND', message }
    case 'port-taken':
      return { state: 'FAILED', reason: 'PORT_TAKEN', message }
    case 'start-failed':
    case 'stopped':
      return { state: 'FAILED', reason: 'CONTAINER_LAUNCH_FAILED', message }
  }
}
