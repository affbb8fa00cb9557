import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { breakages } from '../breakages/breakages.js'
import { add, emptyTally, type Tally } from './tally.js'
import type { Order } from './worker.js'

export interface Options {
  readonly from: number
  readonly seeds: number
  /** Told after each part. */
  readonly onProgress?: (tally: Tally) => void
  /** Nothing more is run after a failure. */
  readonly stopsAtFailure?: boolean
  /** By name. With one, the plans that have found something once are run as well, before the seeds. */
  readonly breakage?: string
  /** Run before the others. */
  readonly first?: readonly number[]
  readonly workers?: number
}

const seedsOfAPart = 10

/** Runs seeds on all cores of the machine. */
export async function runSeeds(options: Options): Promise<Tally> {
  const tally = emptyTally()
  const endAt = options.from + options.seeds
  let next = options.from
  let first = options.first ?? []
  const takePart = (): readonly number[] => {
    if (options.stopsAtFailure && tally.failed.length > 0) return []
    if (first.length > 0) {
      const part = first
      first = []
      return part
    }
    const part = Array.from({ length: Math.min(seedsOfAPart, endAt - next) }, (_, index) => next + index)
    next += part.length
    return part
  }
  const count = Math.min(options.workers ?? availableParallelism(), Math.ceil(options.seeds / seedsOfAPart))
  const workers = Array.from({ length: count }, () =>
    workThrough(startWorker(options.breakage), { options, takePart }, part => {
      add(tally, part)
      options.onProgress?.(tally)
    }),
  )
  await Promise.all(workers)
  tally.failed.sort((a, b) => a.seed - b.seed)
  return tally
}

function startWorker(breakage: string | undefined): ChildProcess {
  const url = (path: string) => fileURLToPath(new URL(path, import.meta.url))
  const isKnown = breakage === undefined || breakages.some(({ name }) => name === breakage)
  if (!isKnown)
    throw new RangeError(
      `a breakage is one of ${breakages.map(({ name }) => name).join(', ')}, got ${breakage}`,
    )
  return fork(url('./worker.js'), {
    execArgv: breakage === undefined ? [] : ['--import', url('../breakages/register.js')],
    env: { ...process.env, ...(breakage === undefined ? {} : { TENDER_BREAKAGE: breakage }) },
  })
}

async function workThrough(
  worker: ChildProcess,
  { options, takePart }: { readonly options: Options; readonly takePart: () => readonly number[] },
  onPart: (part: Tally) => void,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let withFound = options.breakage !== undefined
    const { stopsAtFailure = false } = options
    const order = () => {
      const seeds = takePart()
      const what: Order = { seeds, withFound, stopsAtFailure }
      withFound = false
      if (seeds.length > 0) return worker.send(what)
      resolve()
      return worker.disconnect()
    }
    worker.on('message', part => {
      onPart(part as Tally)
      order()
    })
    worker.once('error', reject)
    worker.once('exit', code =>
      reject(new Error(`a worker of the simulation has ended with exit code ${code}`)),
    )
    order()
  })
}
