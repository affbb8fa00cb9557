import type { StateView } from '../../master/core/view.js'
import { agentOf, ended, frameworkOf, nowMs, offerOf, roleOf, stateOf, taskOf } from './master-views.js'

/** A cluster in which everything occurs once: an agent that is gone, a suppressed role, a failed task, a task id twice. */
export function smallCluster(): StateView {
  const failed = {
    frameworkId: 'batch',
    taskId: 'nightly-1',
    agentId: 'agent-2',
    state: 'FAILED',
    sequence: 3,
    timestampMs: nowMs - 5_000,
    source: 'agent',
    reason: 'COMMAND_EXITED',
    message: 'exited with status 3',
    exitCode: 3,
  } as const
  return stateOf({
    agents: [
      agentOf('agent-1', {
        allocated: { cpus: 0.5, mem: 128, ports: [[31_000, 31_000]] },
        offered: { cpus: 1, mem: 512 },
        free: { cpus: 2.5, mem: 7552, disk: 20_480, ports: [[31_001, 31_099]] },
        taskCount: 1,
      }),
      agentOf('agent-2', {
        attributes: { rack: 'r2', slots: 4 },
        allocated: { cpus: 2, mem: 2048 },
        offered: { cpus: 2, mem: 6144, disk: 20_480, ports: [[31_000, 31_099]] },
        free: {},
        taskCount: 1,
      }),
      agentOf('agent-3', {
        state: 'unreachable',
        unreachableAtMs: nowMs - 42_000,
        containerizers: ['process'],
      }),
    ],
    frameworks: [
      frameworkOf('service', {
        roles: ['service', 'eng/web'],
        suppressedRoles: ['eng/web'],
        webUrl: 'http://127.0.0.1:8080',
        allocated: { cpus: 0.5, mem: 128, ports: [[31_000, 31_000]] },
        offered: { cpus: 1, mem: 512 },
        offerCount: 1,
        taskCount: 1,
      }),
      frameworkOf('batch', {
        state: 'disconnected',
        disconnectedAtMs: nowMs - 9_000,
        allocated: { cpus: 2, mem: 2048 },
        offered: { cpus: 2, mem: 6144, disk: 20_480, ports: [[31_000, 31_099]] },
        offerCount: 1,
        taskCount: 1,
      }),
    ],
    roles: [
      roleOf('batch', { dominantShare: 0.333, frameworkIds: ['batch'], allocated: { cpus: 2, mem: 2048 } }),
      roleOf('eng/web', { weight: 2, frameworkIds: ['service'] }),
      roleOf('service', { dominantShare: 0.125, frameworkIds: ['service'], offered: { cpus: 1, mem: 512 } }),
    ],
    offers: [
      offerOf('7-101'),
      offerOf('7-102', {
        frameworkId: 'batch',
        frameworkName: 'batch framework',
        role: 'batch',
        agentId: 'agent-2',
        hostname: 'agent-2.example',
        resources: { cpus: 2, mem: 6144, disk: 20_480, ports: [[31_000, 31_099]] },
        madeAtMs: nowMs - 55_000,
        expiresAtMs: nowMs + 5_000,
        ageMs: 55_000,
      }),
    ],
    recentOffers: [
      ended(offerOf('7-100'), 'accepted', { ageMs: 3 }),
      ended(offerOf('7-99'), 'rescinded', { ageMs: 850, reason: 'agent agent-3 is unreachable' }),
      ended(offerOf('7-98'), 'declined', { ageMs: 14_250 }),
      ended(offerOf('7-97'), 'expired', { ageMs: 60_000 }),
    ],
    tasks: [
      taskOf('web.1'),
      taskOf('web.1', {
        frameworkId: 'batch',
        role: 'batch',
        agentId: 'agent-2',
        hostname: 'agent-2.example',
        resources: { cpus: 2, mem: 2048 },
        state: 'STAGING',
      }),
      taskOf('nightly-1', {
        frameworkId: 'batch',
        role: 'batch',
        agentId: 'agent-2',
        hostname: 'agent-2.example',
        resources: { cpus: 1, mem: 256 },
        state: 'FAILED',
        updatedAtMs: nowMs - 5_000,
        status: failed,
      }),
    ],
  })
}
