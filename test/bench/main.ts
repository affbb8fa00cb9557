import { benchAllocator } from './allocator.js'
import { benchCheckpoint } from './checkpoint.js'
import { benchFailover } from './failover.js'
import { benchLaunch } from './launch.js'
import { benchMemory } from './memory.js'
import { type Measured, printMachine, printTable } from './report.js'
import { benchTenInstances } from './ten-instances.js'

const benchmarks: Readonly<Record<string, () => Promise<Measured[]>>> = {
  launch: benchLaunch,
  'ten-instances': benchTenInstances,
  memory: benchMemory,
  checkpoint: benchCheckpoint,
  allocator: benchAllocator,
  failover: benchFailover,
}

// So that what this process has started is stopped: only an orderly exit tells those who clean up.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const wanted = process.argv.slice(2)
const unknown = wanted.find(name => !(name in benchmarks))
if (unknown !== undefined) {
  console.error(`a benchmark is one of ${Object.keys(benchmarks).join(', ')}, got '${unknown}'`)
  process.exitCode = 2
} else {
  printMachine()
  const rows: Measured[] = []
  for (const [name, run] of Object.entries(benchmarks)) {
    if (wanted.length === 0 || wanted.includes(name)) rows.push(...(await run()))
  }
  printTable(rows)
}
