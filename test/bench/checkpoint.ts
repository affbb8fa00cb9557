import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@tender/sdk/runtime'
import { Checkpoint } from '../../agent/checkpoint/checkpoint.js'
import { type AgentTaskState, newTask, report } from '../../agent/core/task.js'
import { type Measured, quantiles } from './report.js'

const writes = 1_000
const warmUp = 100
const limitMs = 2

/** How long an agent waits for its disk at each change of a task. */
export async function benchCheckpoint(): Promise<Measured[]> {
  const workDir = mkdtempSync(join(tmpdir(), 'tender-bench-'))
  try {
    const checkpoint = new Checkpoint(workDir, silentLog)
    const times: number[] = []
    for (let index = 0; index < warmUp + writes; index++) {
      const task = taskWithUpdates(`task-${index}`)
      const before = performance.now()
      checkpoint.write(task)
      if (index >= warmUp) times.push(performance.now() - before)
    }
    const { p50, p99, max } = quantiles(times)
    const bytes = JSON.stringify(taskWithUpdates('task-0')).length
    return [
      {
        what: `checkpoint of a task, ${bytes} bytes, ${writes} writes one by one`,
        measured: `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, max ${max.toFixed(1)} ms`,
        target: `p50 < ${limitMs} ms`,
        holds: p50 < limitMs,
      },
    ]
  } finally {
    rmSync(workDir, { recursive: true, force: true })
  }
}

/** As one is right after its start: two updates are on the way. */
function taskWithUpdates(taskId: string): AgentTaskState {
  const task = newTask({
    frameworkId: 'service',
    role: 'prod/web',
    launchedAtMs: 1_790_000_000_000,
    info: {
      taskId,
      name: 'shop.frontend',
      resources: { cpus: 0.5, mem: 512, ports: [[31_002, 31_003]] },
      labels: { app: 'frontend', version: '2026-11-22T10:00:00Z' },
      container: {
        image: 'registry.example/shop/frontend:2026.11.3',
        portMappings: [{ containerPort: 8_080, hostPort: 31_002 }],
      },
      env: { PORT: '8080', DATABASE_URL: 'postgres://db.example:5432/shop', LOG_LEVEL: 'info' },
    },
  })
  report(task, { state: 'STARTING', message: 'pulling image registry.example/shop/frontend:2026.11.3' }, 1)
  report(task, { state: 'RUNNING', ipAddress: '172.18.0.4' }, 2)
  return task
}
