import type { AgentView } from '../../core/view.js'
import { Ports } from './ports.js'
import { BarLegend, ResourceBar } from './resource-bar.js'
import { Section } from './section.js'
import { StateTag } from './state-tag.js'
import { type Column, Table } from './table.js'
import { Age } from './ticking.js'

const columns: readonly Column<AgentView>[] = [
  { head: 'Agent', cell: agent => <AgentName agent={agent} /> },
  {
    head: 'State',
    cell: agent => (
      <>
        <StateTag state={agent.state} />
        {agent.unreachableAtMs !== undefined && (
          <div class="faint">
            for <Age sinceMs={agent.unreachableAtMs} />
          </div>
        )}
      </>
    ),
  },
  { head: 'CPUs', kind: 'wide', cell: agent => <Bar agent={agent} name="cpus" /> },
  { head: 'Memory', kind: 'wide', cell: agent => <Bar agent={agent} name="mem" /> },
  { head: 'Disk', kind: 'wide', cell: agent => <Bar agent={agent} name="disk" /> },
  { head: 'Ports', cell: agent => <Ports held={agent} /> },
  { head: 'Tasks', kind: 'number', cell: agent => agent.taskCount },
]

function AgentName({ agent }: { agent: AgentView }) {
  const attributes = Object.entries(agent.attributes).map(([name, value]) => `${name}:${value}`)
  return (
    <>
      <div>
        <b>{agent.hostname}</b> <code class="faint">{agent.agentId}</code>
      </div>
      <div class="faint">{[...agent.containerizers, ...attributes].join(' · ')}</div>
    </>
  )
}

function Bar({ agent, name }: { agent: AgentView; name: string }) {
  const of = (held: AgentView['resources']) => (typeof held[name] === 'number' ? held[name] : 0)
  const total = of(agent.resources)
  if (total === 0) return <span class="faint">none</span>
  return <ResourceBar name={name} allocated={of(agent.allocated)} offered={of(agent.offered)} total={total} />
}

export function Agents({ agents }: { agents: readonly AgentView[] }) {
  return (
    <Section id="agents" title="Agents" count={agents.length} aside={<BarLegend />}>
      <Table
        caption="Agents, with what is allocated, offered and free"
        testId="agents"
        columns={columns}
        rows={agents}
        keyOf={agent => agent.agentId}
        empty={
          <>
            No agent has registered. Start one on each host with <code>tender agent</code>.
          </>
        }
      />
    </Section>
  )
}
