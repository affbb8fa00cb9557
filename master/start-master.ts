import {
  connectNats,
  type Log,
  NatsStore,
  NatsTransport,
  systemClock,
  systemRandom,
} from '@tender/sdk/runtime'
import type { AllocatorSettings } from './allocator/types.js'
import { type MasterSettings } from './core/state.js'
import { MasterShell } from './master-shell.js'

export interface MasterOptions {
  readonly cluster: string
  /** URL of NATS. */
  readonly nats: string
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** How the web endpoint is reached from elsewhere; made of host and port unless told. */
  readonly advertiseUrl?: string
  /** How long a leader that has died still counts as one. */
  readonly leaseMs: number
  /** Copies of the registry: 1 on one NATS server, 3 in production. */
  readonly replicas: number
  /** What is not named is at its default. */
  readonly settings?: Partial<Omit<MasterSettings, 'allocator'>> & {
    readonly allocator?: Partial<AllocatorSettings>
  }
  /** Where the last inputs are written after a bug; the system's directory for temporary files unless told. */
  readonly bugDir?: string
  readonly log: Log
  /** A bug: the process has to end. */
  readonly onBug: (error: unknown) => void
}

export interface RunningMaster {
  readonly masterId: string
  readonly httpUrl: string
  /** Resigns, so that a standby need not wait for the lease, and closes everything. */
  stop(): Promise<void>
}

/** NATS servers were seen to need 4.6 to 6.9 s to replace the leader of a bucket of three copies. */
const leastReplicatedLeaseMs = 10_000

/** Starts a master: it stands for election, and leads or waits. */
export async function startMaster(options: MasterOptions): Promise<RunningMaster> {
  const { log } = options
  const connection = await connectNats(options.nats, 'tender master')
  const transport = new NatsTransport(connection, log)
  try {
    const { cluster, replicas, leaseMs } = options
    if (replicas > 1 && leaseMs < leastReplicatedLeaseMs) {
      log.warn(
        `the lease is ${leaseMs} ms: when a NATS server of the bucket dies, the others may need longer to go on, and leadership with them; ${leastReplicatedLeaseMs} ms or more is advised`,
      )
    }
    const registry = await NatsStore.open(connection, { bucket: `tender-${cluster}-registry`, replicas })
    const lease = await NatsStore.open(connection, {
      bucket: `tender-${cluster}-leader`,
      replicas,
      ttlMs: leaseMs,
    })
    return await new MasterShell(options, {
      transport,
      registry,
      lease,
      clock: systemClock,
      random: systemRandom,
    }).start()
  } catch (error) {
    await transport.close()
    throw error
  }
}
