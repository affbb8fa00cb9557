import type { Breakage } from './breakage.js'

/** Each breaks a promise, in a way that a hurried change could. */
export const breakages: readonly Breakage[] = [
  {
    name: 'acknowledge before the handler is done',
    file: 'sdk/dist/scheduler/updates.js',
    find: 'tell.push(status);',
    replace: 'tell.push(status); if (isNumbered) acknowledge.push({ taskId, agentId, sequence });',
  },
  {
    name: 'ignore the order of updates',
    file: 'sdk/dist/scheduler/updates.js',
    find: 'if (sequence !== (last ?? task.told) + 1)',
    replace: 'if (false)',
  },
  {
    name: 'take any update of an unknown task for its first',
    file: 'sdk/dist/scheduler/updates.js',
    find: 'Math.min(oldest ?? sequence, sequence) - 1',
    replace: 'sequence - 1',
  },
  {
    name: 'ignore the epoch, as a framework',
    file: 'sdk/dist/scheduler/driver.js',
    find: 'if (message.epoch < this.#epoch || isForAnother)',
    replace: 'if (isForAnother)',
  },
  {
    name: 'forget orders to kill',
    file: 'sdk/dist/scheduler/kills.js',
    find: 'this.#open.set(order.taskId, {',
    replace: 'new Map().set(order.taskId, {',
  },
  {
    name: 'ignore the epoch, as an agent',
    file: 'dist/agent/core/agent.js',
    find: 'if (message.epoch < this.#epoch || isForAnother',
    replace: 'if (isForAnother',
  },
  {
    name: 'start without a checkpoint',
    file: 'dist/agent/core/agent.js',
    find: `...this.#store.write(task),
            this.#log('info', 'launching task'`,
    replace: `this.#log('info', 'launching task'`,
  },
  {
    name: 'take a repeated launch for a new one',
    file: 'dist/agent/core/agent.js',
    find: 'if (this.#tasks.has(key) || this.#unstartable.hasEnded(key))',
    replace: 'if (this.#unstartable.hasEnded(key))',
  },
  {
    name: 'send an update before it is stored',
    file: 'dist/agent/core/agent.js',
    find: 'return mayTell ? [...commands, this.#sendUpdate(task, status)] : commands;',
    replace: 'return mayTell ? [this.#sendUpdate(task, status), ...commands] : commands;',
  },
  {
    name: 'adopt nothing after a restart',
    file: 'dist/agent/core/agent.js',
    find: 'for (const container of running)',
    replace: 'for (const container of [])',
  },
  {
    name: 'never send an update again',
    file: 'dist/agent/core/resends.js',
    find: 'return due.map(([key]) => key);',
    replace: 'return [];',
  },
  {
    name: 'make up success when the exit is not known',
    file: 'dist/agent/core/ending.js',
    find: `return { state: 'FAILED', reason: 'CONTAINER_LOST'`,
    replace: `return { state: 'FINISHED', reason: 'CONTAINER_LOST'`,
  },
  {
    name: 'treat the tasks of a silent agent as lost',
    file: 'dist/master/core/silence.js',
    find: `masterStatus(turn, task, 'UNREACHABLE', 'AGENT_UNREACHABLE'`,
    replace: `masterStatus(turn, task, 'GONE', 'AGENT_UNREACHABLE'`,
  },
  {
    name: 'charge nothing for tasks of before the failover',
    file: 'dist/master/core/register.js',
    find: 'turn.state.allocator.charge({ frameworkId, role, agentId: agent.agentId, resources: task.resources });',
    replace: '',
  },
  {
    name: 'admit an agent before it is stored',
    file: 'dist/master/core/register.js',
    find: 'const agent = known ?? newAgent(agentId, info, start.now);',
    replace: `const agent = known ?? newAgent(agentId, info, start.now);
        start.state.agents.set(agentId, agent);
        admit(start, agent, message, info);`,
  },
  {
    name: 'take back an offer without what it holds',
    file: 'dist/master/core/offers.js',
    find: 'state.allocator.recover(claimOf(record), options.refuseUntilMs);',
    replace: '{}',
  },
  {
    name: 'deny what the leader before has launched',
    file: 'dist/master/core/stale-accept.js',
    find: 'const ok = runs(state,',
    replace: 'const ok = false && runs(state,',
  },
  {
    name: 'number the sessions of all links alike',
    file: 'dist/master/core/turn.js',
    find: 'return new LinkEnd(`${this.epoch}-${this.#memory.nextSession()}`',
    replace: 'return new LinkEnd(`${this.epoch}-1`',
  },
  {
    name: 'take the lease of another for its own',
    file: 'dist/master/election/election.js',
    find: 'const isOwn = lease?.masterId === this.#self.masterId;\n        this.#mayStand',
    replace: 'const isOwn = true;\n        this.#mayStand',
  },
  {
    name: 'launch an instance before it is stored',
    file: 'dist/frameworks/service/core/service-core.js',
    find: '[this.#commits.store(writes, accepts)]',
    replace: '[this.#commits.store(writes), ...accepts]',
  },
]
