import type { AgentId, FrameworkId } from './ids.js'

/** Who stands at the far end of a link with the leader. */
export type Peer =
  | { readonly kind: 'agent'; readonly id: AgentId }
  | { readonly kind: 'framework'; readonly id: FrameworkId }

/** All subjects of one cluster. The subject says who speaks, so that the broker's permissions can enforce it. */
export class Subjects {
  readonly #root: string

  /** @param cluster letters, digits, `_` and `-` */
  constructor(cluster: string) {
    if (!/^[A-Za-z0-9_-]{1,63}$/.test(cluster)) {
      throw new TypeError(`a cluster's name is 1 to 63 letters, digits, '_' or '-', got '${cluster}'`)
    }
    this.#root = `tender.${cluster}`
  }

  /** Leader to everyone: the beacon. */
  get leader(): string {
    return `${this.#root}.leader`
  }

  /** Peer to leader. */
  toLeader(peer: Peer): string {
    return `${this.#root}.master.${peer.kind}.${peer.id}`
  }

  /** Leader to peer. */
  toPeer(peer: Peer): string {
    return `${this.#root}.${peer.kind}.${peer.id}`
  }

  /** What a leader subscribes to. */
  get allToLeader(): string[] {
    return [`${this.#root}.master.agent.*`, `${this.#root}.master.framework.*`]
  }

  /** Who speaks on a subject of `allToLeader`. */
  peerOf(subject: string): Peer | undefined {
    const [, , , kind, id] = subject.split('.')
    if (!id || !/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(id)) return undefined
    if (kind === 'agent') return { kind, id }
    return kind === 'framework' ? { kind, id } : undefined
  }
}
