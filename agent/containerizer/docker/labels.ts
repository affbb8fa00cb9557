import { createHash } from 'node:crypto'
import type { TaskKey } from '../containerizer.js'

/** Whose containers these are: the same task id may run on several agents of one engine, one after the other. */
export interface ContainerOwner {
  readonly cluster: string
  readonly agentId: string
}

export const clusterLabel = 'tender.cluster'
export const agentLabel = 'tender.agent'
export const frameworkLabel = 'tender.framework'
export const taskLabel = 'tender.task'

export function tenderLabels(owner: ContainerOwner, task: TaskKey): Record<string, string> {
  return {
    [clusterLabel]: owner.cluster,
    [agentLabel]: owner.agentId,
    [frameworkLabel]: task.frameworkId,
    [taskLabel]: task.taskId,
  }
}

/**
 * The same for every start of a task, so that the engine itself refuses a second container. The readable part is for
 * people and may be cut; the hash tells apart what joining with dots would not (`a.b` + `c` and `a` + `b.c`).
 */
export function containerName(owner: ContainerOwner, task: TaskKey): string {
  const parts = [owner.cluster, owner.agentId, task.frameworkId, task.taskId]
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
  const readable = `${task.frameworkId}.${task.taskId}`.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 80)
  return `tender.${readable}.${hash}`
}
