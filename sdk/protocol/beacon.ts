import { type Infer, object, string } from './schema.js'

/** Leader to everyone, about once a second: I lead. */
export const leaderToEveryone = {
  beacon: object({ masterId: string(), httpUrl: string() }),
}

export type Beacon = Infer<typeof leaderToEveryone.beacon>

export const beaconIntervalMs = 1_000
