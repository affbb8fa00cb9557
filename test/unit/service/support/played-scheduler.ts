import { type LaunchResult, type Offer, Resources, type Task } from '@tender/sdk'
import type { SchedulerCalls, ServiceShell } from '../../../../frameworks/service/service-shell.js'

/** One roomy agent that runs at once whatever is launched. */
export class PlayedScheduler implements SchedulerCalls {
  shell: ServiceShell | undefined
  readonly tasks = new Set<string>()
  #offerCount = 0

  async accept(_offers: Offer | readonly Offer[], tasks: readonly Task[]): Promise<readonly LaunchResult[]> {
    for (const { taskId } of tasks) {
      this.tasks.add(taskId)
      this.#report(taskId, 'RUNNING')
    }
    return tasks.map(({ taskId }) => ({ taskId, ok: true }))
  }

  async revive(): Promise<void> {
    const offer: Offer = {
      offerId: `offer-${++this.#offerCount}`,
      frameworkId: 'service',
      role: '*',
      agentId: 'a1',
      hostname: 'a1.example',
      resources: Resources.parse('cpus:16;mem:16384;disk:10000;ports:[31000-31999]'),
      attributes: {},
      containerizers: ['docker', 'process'],
      madeAtMs: 0,
    }
    await this.shell?.handlers.offers?.([offer], undefined as never)
  }

  async kill(taskId: string): Promise<void> {
    this.tasks.delete(taskId)
    this.#report(taskId, 'KILLED')
  }

  async decline(): Promise<void> {}
  async suppress(): Promise<void> {}
  async reconcile(): Promise<void> {}

  #report(taskId: string, state: 'RUNNING' | 'KILLED'): void {
    this.shell?.tell({
      kind: 'update',
      status: {
        frameworkId: 'service',
        taskId,
        agentId: 'a1',
        state,
        timestampMs: Date.now(),
        source: 'agent',
        ipAddress: '10.0.0.9',
      },
    })
  }
}
