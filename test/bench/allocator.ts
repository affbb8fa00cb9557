import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Figure, works } from './allocator/works.js'
import type { Measured } from './report.js'

const workFile = fileURLToPath(new URL('allocator/work.js', import.meta.url))

/** The work that Mesos' own allocator was measured at, single-threaded. */
export async function benchAllocator(): Promise<Measured[]> {
  const rows: Measured[] = []
  for (const name of Object.keys(works)) {
    const { stdout } = await promisify(execFile)(process.execPath, [workFile, name])
    const { figures, peakMb } = JSON.parse(stdout) as { figures: Figure[]; peakMb: number }
    for (const { what, ms, targetMs, note, targetMb } of figures) {
      const memory = `, ${Math.round(peakMb)} MB`
      const isSmall = targetMb === undefined || peakMb < targetMb
      rows.push({
        what,
        measured: `${ms.toFixed(ms < 1 ? 3 : 1)} ms${note === undefined ? '' : ` (${note})`}${memory}`,
        target: `<= ${targetMs} ms${targetMb === undefined ? '' : `, under ${targetMb} MB`}`,
        holds: ms <= targetMs && isSmall,
      })
    }
  }
  return rows
}
