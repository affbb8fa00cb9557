import { cpus, release, totalmem } from 'node:os'
import Table from 'cli-table3'

export interface Measured {
  readonly what: string
  readonly measured: string
  /** What is to be reached, and whether it is; absent for a figure that only explains another one. */
  readonly target?: string
  readonly holds?: boolean
}

/** Median and 99th percentile of some times. */
export function quantiles(values: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? Number.NaN }
}

export function printMachine(): void {
  const [cpu] = cpus()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const node = process.version
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpu?.model ?? 'unknown'}, ${memory}, Linux ${release()}, Node ${node}`,
  )
}

export function printTable(rows: readonly Measured[]): void {
  const table = new Table({ head: ['work', 'measured', 'to reach', ''], style: { head: [], border: [] } })
  for (const { what, measured, target, holds } of rows)
    table.push([what, measured, target ?? '', holds === undefined ? '' : holds ? 'reached' : 'MISSED'])
  console.log(table.toString())
}
