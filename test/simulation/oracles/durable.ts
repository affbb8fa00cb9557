import type { Envelope, Peer, Reply, TaskStatus } from '@tender/sdk/protocol'
import { keyPart } from '@tender/sdk/runtime'
import type { AgentRecord } from '../../../master/registry/records.js'
import { unseal } from '../../../master/registry/seal.js'
import type { Fact, FactOf, Key } from '../world/facts.js'
import { Oracle } from './oracle.js'

/** Promise 6: what a leader says that depends on a record of the registry is said when that is stored, not before. */
export class Durable extends Oracle {
  override readonly name = 'stored before told'
  #newestEpoch = 0

  override see(fact: Fact): void {
    if (fact.kind === 'elected') this.#newestEpoch = Math.max(this.#newestEpoch, fact.epoch)
    // A newer leader may have written the record again meanwhile.
    else if (fact.kind === 'launch-asked') this.#asked(fact.key)
    else if (fact.kind === 'leader-sent' && fact.epoch === this.#newestEpoch) this.#sent(fact)
  }

  /** The service framework writes an instance down before it asks for its task. */
  #asked(key: Key): void {
    const [frameworkId, taskId = ''] = key.split('/')
    const service = this.world.services.find(each => each.frameworkId === frameworkId)
    if (!service) return
    const entry = service.bucket.get(`instance.${keyPart(taskId)}`, this.world.timeline.now)
    this.expect(
      entry !== undefined,
      () => `${key} is to be launched, and is not in the store of its framework`,
    )
  }

  #sent({ peer, envelope }: FactOf<'leader-sent'>): void {
    if (envelope.kind === 'reply') return this.#replied(peer, envelope)
    if (envelope.kind !== 'update') return
    const { status } = envelope.body as { readonly status: TaskStatus }
    if (status.reason !== 'AGENT_UNREACHABLE') return
    const record = this.#record('agent', status.agentId ?? '') as AgentRecord | undefined
    this.expect(record?.state === 'unreachable', () => {
      return `${status.taskId} is told as UNREACHABLE, and the registry has agent ${status.agentId} as ${record?.state}`
    })
  }

  #replied(peer: Peer, { body }: Envelope): void {
    const { ok, result } = body as Reply
    const isAdmission = ok && typeof result === 'object' && result !== null && 'heartbeatMs' in result
    if (!isAdmission) return
    const record = this.#record(peer.kind, peer.id)
    this.expect(
      record !== undefined,
      () => `${peer.kind} ${peer.id} is admitted, and the registry does not know it`,
    )
  }

  #record(kind: string, id: string): unknown {
    const entry = this.world.registry.get(`${kind}.${keyPart(id)}`, this.world.timeline.now)
    return entry && unseal(entry.value)
  }
}
