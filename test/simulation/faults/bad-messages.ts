import { encode, type Peer } from '@tender/sdk/protocol'
import type { Chance } from '../world/chance.js'
import type { World } from '../world/world.js'

/** What a broken or unfriendly program may publish: no msgpack, no message, or one that nobody waits for. */
export function sendBadMessages(world: World, chance: Chance, to: 'leader' | 'agents' | 'frameworks'): void {
  const { network } = world
  const stranger = network.connect('stranger', () => {})
  const peers: Peer[] = [
    ...world.agents.map(({ name }) => ({ kind: 'agent', id: name }) as const),
    ...[...world.services, ...world.batches].map(
      ({ frameworkId }) => ({ kind: 'framework', id: frameworkId }) as const,
    ),
  ]
  for (const envelope of badMessages(chance)) {
    const peer = chance.pick(peers)
    if (to === 'leader') network.publish(stranger, 'leader', { peer, envelope })
    else {
      const target = chance.pick(peers.filter(({ kind }) => `${kind}s` === to).concat(peer))
      network.publish(stranger, `${target.kind}/${target.id}`, { envelope })
      network.publish(stranger, 'beacon', { envelope })
    }
  }
  network.close(stranger)
}

function badMessages(chance: Chance): Uint8Array[] {
  const around = { v: chance.integer(0, 3), session: 'stranger', sequence: chance.integer(1, 9), epoch: 0 }
  const garbage = Uint8Array.from({ length: chance.integer(0, 40) }, () => chance.integer(0, 255))
  const heartbeat = { received: { session: '', sequence: 0 } }
  const status = { frameworkId: 'nobody', taskId: 'none', state: 'RUNNING', timestampMs: 1, source: 'agent' }
  return [
    garbage,
    encode({ ...around, kind: 'no-such-kind', body: {} }),
    encode({ ...around, v: 1, kind: 'heartbeat', body: heartbeat }),
    encode({ ...around, v: 1, kind: 'heartbeat', body: { received: chance.pick([null, 7, 'x']) } }),
    encode({ ...around, v: 1, kind: 'update', body: { status } }),
    encode({ ...around, v: 1, kind: 'accept', call: 'c', body: { offerIds: ['1-1'], operations: [] } }),
    encode({ ...around, v: 1, kind: 'launch', body: { task: {} } }),
    encode({ ...around, v: 1, kind: 'reply', call: 'c', body: { ok: 'yes' } }),
  ]
}
