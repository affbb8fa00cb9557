import { isTerminal, Resources } from '@tender/sdk/values'
import type { AgentView, StateView } from '../../core/view.js'
import { ResourceBar } from './resource-bar.js'

/** The cluster in one line. */
export function Summary({ state }: { state: StateView }) {
  const { agents, frameworks, offers, tasks } = state
  const unreachable = agents.filter(agent => agent.state === 'unreachable').length
  const disconnected = frameworks.filter(framework => framework.state === 'disconnected').length
  const live = tasks.filter(task => !isTerminal(task.state))
  const running = live.filter(task => task.state === 'RUNNING').length
  const total = sum(agents, 'resources')
  const allocated = sum(agents, 'allocated')
  const offered = sum(agents, 'offered')
  return (
    <section class="summary" aria-label="Summary" data-testid="summary">
      <Figure id="agents" label="agents" value={agents.length} warning={count(unreachable, 'unreachable')} />
      <Figure
        id="frameworks"
        label="frameworks"
        value={frameworks.length}
        warning={count(disconnected, 'disconnected')}
      />
      <Figure id="offers" label="offers outstanding" value={offers.length} />
      <Figure
        id="tasks"
        label="tasks running"
        value={running}
        warning={count(live.length - running, 'other')}
      />
      {['cpus', 'mem', 'disk'].map(name => (
        <div key={name} class="figure bars">
          <span class="label">{name}</span>
          <ResourceBar
            name={name}
            allocated={allocated.scalar(name)}
            offered={offered.scalar(name)}
            total={total.scalar(name)}
          />
        </div>
      ))}
    </section>
  )
}

interface FigureProps {
  readonly id: string
  readonly label: string
  readonly value: number
  readonly warning?: string | undefined
}

function Figure({ id, label, value, warning }: FigureProps) {
  return (
    <a class="figure" href={`#${id}`} data-testid={`summary-${id}`}>
      <span class="value">{value}</span>
      <span class="label">{label}</span>
      {warning && <span class="warning">{warning}</span>}
    </a>
  )
}

function count(number: number, word: string): string | undefined {
  return number > 0 ? `${number} ${word}` : undefined
}

function sum(agents: readonly AgentView[], held: 'resources' | 'allocated' | 'offered'): Resources {
  return Resources.sum(agents.map(agent => Resources.fromWire(agent[held])))
}
