import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNats } from '../support/nats.js'
import { BenchPart } from './parts.js'
import type { Measured } from './report.js'

const settleMs = 30_000
const limitMb = 80

/** Resident memory of a master without agents, and of an agent without tasks, half a minute after the start. */
export async function benchMemory(): Promise<Measured[]> {
  const [nats, workDir] = [await startNats(), await mkdtemp(join(tmpdir(), 'tender-bench-'))]
  const master = new BenchPart(['master', '--nats', nats.url, '--port', '0'])
  // In a cluster of its own, so that the master stays empty.
  const other = new BenchPart(['master', '--nats', nats.url, '--port', '0', '--cluster', 'other'])
  const agent = new BenchPart(['agent', '--nats', nats.url, '--cluster', 'other', '--work-dir', workDir])
  try {
    const url = await master.says(/answers at (http:\S+)/)
    await agent.says(/registered with the leader/)
    for (const path of ['/api/v1/state', '/metrics', '/api/v1/openapi.json'])
      await (await fetch(url + path)).text()
    await new Promise(resolve => setTimeout(resolve, settleMs))
    const row = async (what: string, part: BenchPart): Promise<Measured> => {
      const mb = await part.residentMb()
      return { what, measured: `${mb.toFixed(1)} MB`, target: `under ${limitMb} MB`, holds: mb < limitMb }
    }
    return [
      await row('resident memory of an empty master', master),
      await row('resident memory of an agent', agent),
    ]
  } finally {
    await agent.stop()
    await other.stop()
    await master.stop()
    await nats.dispose()
    await rm(workDir, { recursive: true, force: true })
  }
}
