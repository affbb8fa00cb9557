import {
  agentToLeader,
  type Decoded,
  decoder,
  encode,
  type Envelope,
  frameworkToLeader,
  leaderToAgent,
  leaderToEveryone,
  leaderToFramework,
  type Messages,
  type Peer,
} from '@tender/sdk/protocol'

type Packed = Envelope | Uint8Array

/** Messages travel as they are, which is fast, or as the bytes that they really are, which tests the schemas as well. */
export class Codec {
  readonly pack: (envelope: Envelope) => Packed
  readonly toAgent: (packed: Packed) => Decoded<typeof leaderToAgent>
  readonly toFramework: (packed: Packed) => Decoded<typeof leaderToFramework>
  readonly beacon: (packed: Packed) => Decoded<typeof leaderToEveryone>
  readonly #fromAgent: (packed: Packed) => Decoded<typeof agentToLeader>
  readonly #fromFramework: (packed: Packed) => Decoded<typeof frameworkToLeader>

  constructor(isReal: boolean) {
    this.pack = isReal ? encode : envelope => envelope
    this.toAgent = reader(leaderToAgent)
    this.toFramework = reader(leaderToFramework)
    this.beacon = reader(leaderToEveryone)
    this.#fromAgent = reader(agentToLeader)
    this.#fromFramework = reader(frameworkToLeader)
  }

  toLeader(peer: Peer, packed: Packed): Decoded<typeof agentToLeader> | Decoded<typeof frameworkToLeader> {
    return peer.kind === 'agent' ? this.#fromAgent(packed) : this.#fromFramework(packed)
  }
}

const decoders = new Map<Messages, (bytes: Uint8Array) => Decoded<Messages>>()

function reader<M extends Messages>(messages: M): (packed: Packed) => Decoded<M> {
  let decode = decoders.get(messages)
  if (!decode)
    decoders.set(messages, (decode = decoder(messages) as (bytes: Uint8Array) => Decoded<Messages>))
  const read = decode as (bytes: Uint8Array) => Decoded<M>
  return packed =>
    packed instanceof Uint8Array ? read(packed) : ({ ok: true, message: packed } as unknown as Decoded<M>)
}
