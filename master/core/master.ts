import type { Peer, ProtocolError } from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import { Allocator } from '../allocator/allocator.js'
import type { RegistryContent } from '../registry/records.js'
import { agentMessage } from './agent-message.js'
import type { MasterCommand } from './commands.js'
import { frameworkMessage } from './framework-message.js'
import type { TimedInput } from './inputs.js'
import { readLog } from './log-request.js'
import { makeOffers } from './offers.js'
import { defaultMasterSettings, type Leadership, type MasterSettings, type MasterState } from './state.js'
import { tick } from './tick.js'
import { refusal, Turn, TurnMemory } from './turn.js'

/**
 * A leading master, from its election on: a synchronous function from inputs to commands. It has no clock, no network
 * and no disk; the same core runs in production, in tests and in simulations.
 */
export class Master {
  /** For the views: to be read, not to be changed. */
  readonly state: MasterState
  readonly #memory = new TurnMemory()

  constructor(
    leadership: Leadership,
    content: RegistryContent,
    settings: MasterSettings = defaultMasterSettings,
  ) {
    this.state = recover(leadership, content, settings)
  }

  step(input: TimedInput): MasterCommand[] {
    const turn = new Turn(this.state, input.now, this.#memory)
    this.#handle(turn, input)
    makeOffers(turn)
    return turn.commands
  }

  #handle(turn: Turn, input: TimedInput): void {
    switch (input.kind) {
      case 'agent-message':
        return agentMessage(turn, input.agentId, input.message)
      case 'framework-message':
        return frameworkMessage(turn, input.frameworkId, input.message)
      case 'bad-message':
        return badMessage(turn, input.peer, input.error, input.call)
      case 'stored': {
        const then = this.#memory.afterStore.get(input.ticket)
        this.#memory.afterStore.delete(input.ticket)
        return then?.(turn, input.error)
      }
      case 'read-log':
        return readLog(turn, input.requestId, input.request)
      case 'reconnected':
        for (const peer of [...this.state.agents.values(), ...this.state.frameworks.values()])
          peer.heardAtMs = input.now
        return
      case 'tick':
        return tick(turn)
    }
  }
}

/** Whoever sent it is told, inside the numbering of its link where it has one. */
function badMessage(turn: Turn, peer: Peer, error: ProtocolError, call: string | undefined): void {
  turn.log('warn', 'a message was refused', { [`${peer.kind}Id`]: peer.id, error: error.message })
  const agent = peer.kind === 'agent' ? turn.state.agents.get(peer.id) : undefined
  const framework = peer.kind === 'framework' ? turn.state.frameworks.get(peer.id) : undefined
  if (agent?.link) turn.toAgent(agent, 'reply', refusal(error), call)
  else if (framework?.link) turn.toFramework(framework, 'reply', refusal(error), call)
  else turn.refuse(peer, error, call === undefined ? {} : { call })
}

/** What the registry knows, before anybody has been heard of. Tasks are rebuilt as the agents register. */
function recover(leadership: Leadership, content: RegistryContent, settings: MasterSettings): MasterState {
  const allocator = new Allocator()
  const now = leadership.electedAtMs
  for (const { role, weight } of content.roles) allocator.setWeight(role, weight)
  return {
    leadership,
    settings,
    allocator,
    agents: new Map(
      content.agents.map(({ agent, state, registeredAtMs, unreachableAtMs }) => [
        agent.agentId,
        {
          agentId: agent.agentId,
          info: agent,
          total: Resources.fromWire(agent.resources),
          state: state === 'unreachable' ? 'unreachable' : 'recovering',
          session: '',
          link: undefined,
          registeredAtMs,
          heardAtMs: now,
          unreachableAtMs,
          calls: new Map(),
        },
      ]),
    ),
    frameworks: new Map(
      content.frameworks.map(({ framework, subscribedAtMs }) => [
        framework.frameworkId,
        {
          frameworkId: framework.frameworkId,
          info: framework,
          state: 'disconnected',
          session: '',
          startedAtMs: 0,
          link: undefined,
          subscribedAtMs,
          heardAtMs: now,
          disconnectedAtMs: now,
          suppressedRoles: new Set(),
          replies: new Map(),
          subscribeCall: undefined,
        },
      ]),
    ),
    roles: new Map(content.roles.map(({ role, weight }) => [role, { weight }])),
    offers: new Map(),
    endedOffers: [],
    tasks: new Map(),
    endedTasks: new Map(),
  }
}
