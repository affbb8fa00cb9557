import { type AgentInfo, type leaderToAgent, LinkEnd, type MessageOf } from '@tender/sdk/protocol'
import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { Agent } from '../../../../agent/core/agent.js'
import type { AgentCommand } from '../../../../agent/core/commands.js'

const info: AgentInfo = {
  agentId: 'a1',
  hostname: 'a1.test',
  resources: { cpus: 4 },
  attributes: {},
  domain: { region: 'north', zone: 'north-1' },
  containerizers: ['process'],
  version: 'test',
}
const reserved = { cpus: 3, 'cpus(web,dynamic)': 1 }
const reservedMore = { cpus: 2, 'cpus(web,dynamic)': 2 }

/** An agent that was started with what it has told in `register`, and a leader that orders what the test says. */
class Rig {
  readonly #leader = new LinkEnd('m1')
  readonly #agent: Agent
  /** What it has told of itself when it was started. */
  readonly registered: AgentInfo

  constructor(started: AgentInfo) {
    this.#agent = new Agent({ info: started, session: 's1' })
    this.registered = registration(this.#agent.step({ kind: 'recovered', running: [], now: 0 }))
  }

  /** What the agent does, in order: what is kept is on the disk before the answer leaves. */
  order(resources: object, resourcesRevision: number): unknown[] {
    const body = { resources, resourcesRevision }
    const message = this.#leader.wrap('set-resources', body, 1, { call: 'c1' })
    return this.#hear(message as MessageOf<typeof leaderToAgent>).flatMap(command => {
      if (command.kind === 'send') return [command.envelope.body]
      return command.kind === 'log' ? [] : [command]
    })
  }

  registerAgain(): AgentInfo {
    return registration(this.#agent.step({ kind: 'reconnected', now: 1 }))
  }

  #hear(message: MessageOf<typeof leaderToAgent>): AgentCommand[] {
    return this.#agent.step({ kind: 'message', message, now: 1 })
  }
}

function registration(commands: readonly AgentCommand[]): AgentInfo {
  const [body] = commands.flatMap(command => (command.kind === 'send' ? [command.envelope.body] : []))
  return (body as { agent: AgentInfo }).agent
}

describe("an agent's resources, when reservations or volumes have changed", () => {
  let rig: Rig

  beforeEach(() => (rig = new Rig(info)))

  it('are kept, and then answered', () => {
    expect(rig.order(reserved, 1)).to.deep.equal([
      { kind: 'checkpoint-resources', resources: reserved, revision: 1 },
      { ok: true },
    ])
  })

  it('are told at each registration from then on', () => {
    expect(rig.registered).to.deep.equal(info)
    rig.order(reserved, 1)
    expect(rig.registerAgain()).to.deep.equal({ ...info, resources: reserved, resourcesRevision: 1 })
  })

  it('stay as they are when the order is repeated, or comes too late: it is only answered', () => {
    rig.order(reserved, 2)
    expect([rig.order(reserved, 2), rig.order(reservedMore, 1)]).to.deep.equal([
      [{ ok: true }],
      [{ ok: true }],
    ])
    expect(rig.registerAgain().resources).to.equal(reserved)
  })

  it('are known after a crash between order and answer: the repeated order is only answered', () => {
    rig.order(reserved, 1)
    const restarted = new Rig({ ...info, resources: reserved, resourcesRevision: 1 })
    expect(restarted.registered).to.deep.include({ resources: reserved, resourcesRevision: 1 })
    expect(restarted.order(reserved, 1)).to.deep.equal([{ ok: true }])
    expect(restarted.order(reservedMore, 2)).to.deep.equal([
      { kind: 'checkpoint-resources', resources: reservedMore, revision: 2 },
      { ok: true },
    ])
  })

  it('are not replaced by what are none', () => {
    expect(rig.order({ 'cpus(': 1 }, 1)).to.deep.equal([
      { ok: false, code: 'invalid-resources', message: "'cpus(': ')' must close the '(' of 'cpus'" },
    ])
    expect(rig.registerAgain()).to.deep.equal(info)
  })
})
