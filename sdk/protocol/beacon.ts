import { type Infer, object, optional, string } from './schema.js'
import { durationMs } from './values.js'

/** Leader to everyone, about once a second: I lead. */
export const leaderToEveryone = {
  beacon: object({
    masterId: string(),
    httpUrl: string(),
    /** Agents that register with a new leader spread themselves over so long, so that it is not overrun. Absent: at once. */
    registerWithinMs: optional(durationMs),
    /** How often an agent is to be heard of: larger clusters ask for less. Absent: as it was told when it registered. */
    agentHeartbeatMs: optional(durationMs),
  }),
}

export type Beacon = Infer<typeof leaderToEveryone.beacon>

export const beaconIntervalMs = 1_000
