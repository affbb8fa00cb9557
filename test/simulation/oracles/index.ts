import type { World } from '../world/world.js'
import { Capacity } from './capacity.js'
import { Durable } from './durable.js'
import { Epochs } from './epochs.js'
import { Limits } from './limits.js'
import { MassSilence } from './mass-silence.js'
import { Offers } from './offers.js'
import { Orders } from './orders.js'
import { Once } from './once.js'
import type { Oracle } from './oracle.js'
import { Prompt } from './prompt.js'
import { Removals } from './removals.js'
import { Silence } from './silence.js'
import { Stops } from './stops.js'
import { Updates } from './updates.js'
import { Volumes } from './volumes.js'

export { Oracle } from './oracle.js'

/** Everybody who watches. */
export function oraclesFor(world: World): Oracle[] {
  return [
    Capacity,
    Once,
    Updates,
    Stops,
    Offers,
    Epochs,
    Durable,
    Orders,
    Prompt,
    Silence,
    Removals,
    Limits,
    Volumes,
    MassSilence,
  ].map(Kind => new Kind(world))
}
