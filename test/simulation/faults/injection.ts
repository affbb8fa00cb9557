import { describeFault, type Fault, type FaultKind } from '../plan/fault.js'
import { MasterProcess } from '../processes/master-process.js'
import { Chance } from '../world/chance.js'
import type { SimulatedProcess } from '../world/process.js'
import type { World } from '../world/world.js'
import { sendBadMessages } from './bad-messages.js'

/** Lets the faults of a plan happen, each at its time, and ends all of them when it is time for that. */
export class Injection {
  /** How many of each kind have had an effect. */
  readonly injected = new Map<FaultKind, number>()
  readonly #world: World
  readonly #chance: Chance

  constructor(world: World) {
    this.#world = world
    this.#chance = new Chance(world.seed, 'injection')
    const { faults, healAtMs } = world.plan
    for (const fault of faults) {
      world.timeline.at(fault.atMs, () => {
        const certain = this.#certain(fault)
        this.#begin(certain)
        const endAtMs = fault.atMs + fault.forMs
        if (fault.forMs > 0 && endAtMs < healAtMs) world.timeline.at(endAtMs, () => this.#end(certain))
      })
    }
    world.timeline.at(healAtMs, () => this.#heal())
  }

  #certain(fault: Fault): Fault {
    if (!('process' in fault) || fault.process !== 'the leader') return fault
    const process = (this.#world.leaders()[0] ?? this.#world.masters[0])?.name ?? ''
    return { ...fault, process }
  }

  #begin(fault: Fault): void {
    const { network, store } = this.#world
    this.injected.set(fault.kind, (this.injected.get(fault.kind) ?? 0) + 1)
    this.#world.trace('fault', describeFault(fault))
    this.#world.tell({ kind: 'fault-begins', fault })
    switch (fault.kind) {
      case 'crash': {
        const process = this.#process(fault.process)
        if (fault.afterKind !== undefined) return process.crashAt(fault.afterKind)
        return fault.afterCommands === undefined ? process.crash() : process.crashAfter(fault.afterCommands)
      }
      case 'resign': {
        const master = this.#process(fault.process)
        if (master instanceof MasterProcess) master.resign()
        return
      }
      case 'pause':
        return this.#process(fault.process).pause()
      case 'slow':
        this.#process(fault.process).slowMs = fault.delayMs
        return
      case 'cut': {
        const weather = network.weatherAt(fault.process)
        weather.cutIn = fault.direction !== 'out'
        weather.cutOut = fault.direction !== 'in'
        return
      }
      case 'cut-many':
        for (const agentId of fault.agentIds)
          Object.assign(network.weatherAt(agentId), { cutIn: true, cutOut: true })
        return
      case 'disconnect':
        for (const connection of network.connectionsAt(fault.process)) network.disconnect(connection)
        return
      case 'delay':
        network.weatherAt(fault.process).delayMs = fault.delayMs
        return
      case 'loss':
        network.lossProbability = fault.probability
        return
      case 'doubling':
        network.doubleProbability = fault.probability
        return
      case 'broker-restart':
        return network.goDown()
      case 'store-away':
        store.health.isAway = true
        return
      case 'store-slow':
        store.health.slowMs = fault.delayMs
        return
      case 'store-answers-lost':
        store.health.lostAnswers = fault.probability
        return
      case 'store-refuses':
        store.health.refusals = fault.probability
        return
      case 'registry-conflict':
        return this.#touchRegistry()
      case 'clock': {
        const { clock } = this.#process(fault.process)
        clock.set(fault.offsetMs)
        return clock.drift(fault.rate)
      }
      case 'exit':
        return this.#endContainer(fault.agentId, fault.exitCode)
      case 'starts-fail':
        this.#agent(fault.agentId).host.startFailures = fault.probability
        return
      case 'disk-full':
        this.#agent(fault.agentId).isDiskFull = true
        return
      case 'record-damaged':
        this.#agent(fault.agentId).crash()
        this.#agent(fault.agentId).damage()
        return
      case 'second-instance':
        return this.#world.secondService?.start()
      case 'bad-messages':
        return sendBadMessages(this.#world, this.#chance, fault.to)
    }
  }

  #end(fault: Fault): void {
    const { network, store } = this.#world
    this.#world.tell({ kind: 'fault-ends', fault })
    switch (fault.kind) {
      case 'crash':
      case 'resign':
        return this.#process(fault.process).start()
      case 'pause':
        return this.#process(fault.process).resume()
      case 'slow':
        this.#process(fault.process).slowMs = 0
        return
      case 'cut':
        Object.assign(network.weatherAt(fault.process), { cutIn: false, cutOut: false })
        return
      case 'cut-many':
        for (const agentId of fault.agentIds)
          Object.assign(network.weatherAt(agentId), { cutIn: false, cutOut: false })
        return
      case 'disconnect':
        for (const connection of network.connectionsAt(fault.process)) network.reconnect(connection)
        return
      case 'delay':
        network.weatherAt(fault.process).delayMs = 0
        return
      case 'loss':
        network.lossProbability = 0
        return
      case 'doubling':
        network.doubleProbability = 0
        return
      case 'broker-restart':
        return network.comeUp()
      case 'store-away':
        store.health.isAway = false
        return
      case 'store-slow':
        store.health.slowMs = 0
        return
      case 'store-answers-lost':
        store.health.lostAnswers = 0
        return
      case 'store-refuses':
        store.health.refusals = 0
        return
      case 'clock':
        this.#process(fault.process).clock.drift(1)
        return
      case 'starts-fail':
        this.#agent(fault.agentId).host.startFailures = 0
        return
      case 'disk-full':
        this.#agent(fault.agentId).isDiskFull = false
        return
      case 'record-damaged':
        return this.#agent(fault.agentId).start()
      case 'second-instance': {
        this.#world.secondService?.crash()
        return this.#world.services[0]?.start()
      }
      case 'registry-conflict':
      case 'exit':
      case 'bad-messages':
        return
    }
  }

  #heal(): void {
    const { network, store, processes } = this.#world
    this.#world.trace('fault', 'all faults end')
    Object.assign(store.health, { isAway: false, slowMs: 0, lostAnswers: 0, refusals: 0 })
    network.lossProbability = 0
    network.doubleProbability = 0
    if (network.isDown) network.comeUp()
    for (const agent of this.#world.agents) {
      agent.host.startFailures = 0
      agent.isDiskFull = false
    }
    this.#world.secondService?.crash()
    for (const process of processes.values()) {
      Object.assign(network.weatherAt(process.name), { cutIn: false, cutOut: false, delayMs: 0 })
      for (const connection of network.connectionsAt(process.name)) network.reconnect(connection)
      process.slowMs = 0
      process.clock.drift(1)
      process.defuse()
      process.resume()
      process.start()
    }
    this.#world.isHealed = true
    this.#world.tell({ kind: 'healed' })
  }

  #touchRegistry(): void {
    const { registry, timeline } = this.#world
    const entries = registry.list(timeline.now)
    if (entries.length === 0) return
    const { key, value } = this.#chance.pick(entries)
    registry.put(key, value, timeline.now)
  }

  #endContainer(agentId: string, exitCode: number | undefined): void {
    const { host } = this.#agent(agentId)
    const running = host.running()
    if (running.length === 0) return
    const { key } = this.#chance.pick(running)
    if (exitCode === undefined) host.vanish(key)
    else host.exit(key, exitCode)
  }

  #process(name: string): SimulatedProcess {
    const process = this.#world.processes.get(name)
    if (!process) throw new RangeError(`no process ${name}`)
    return process
  }

  #agent(agentId: string) {
    const agent = this.#world.agents.find(({ name }) => name === agentId)
    if (!agent) throw new RangeError(`no agent ${agentId}`)
    return agent
  }
}
