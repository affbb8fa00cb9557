import { Resources, type WireResources } from '@tender/sdk/values'
import type { AgentView } from '../../core/view.js'
import { dateAndTime, duration } from '../format/time.js'
import { frameworkNames, inverseOffersByAgent } from '../live/store.js'
import { Ports } from './ports.js'
import { BarLegend, ResourceBar } from './resource-bar.js'
import { ResourceList } from './resource-list.js'
import { Section } from './section.js'
import { StateTag } from './state-tag.js'
import { type Column, Table } from './table.js'
import { Age, TimeLeft } from './ticking.js'

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
        {agent.isSilent && <StateTag state="silent" />}
        {agent.problem !== undefined && (
          <div data-testid="problem">
            <StateTag state="unwell" /> <span class="faint">{agent.problem}</span>
          </div>
        )}
        <Condition agent={agent} />
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
      <Reserved resources={agent.resources} />
    </>
  )
}

/** What is set aside for roles, by kind: `cpus(web) 2`. */
function Reserved({ resources }: { resources: WireResources }) {
  const reserved = Resources.fromWire(resources).only(kind => kind.reservation !== undefined)
  if (reserved.isEmpty) return null
  return (
    <div data-testid="reserved">
      <span class="faint">reserved</span> <ResourceList resources={reserved.toWire()} />
    </div>
  )
}

/** What operators have ordered: it is drained, deactivated, or will be away. */
function Condition({ agent }: { agent: AgentView }) {
  const { condition, drainEndsAtMs, unavailability } = agent
  return (
    <>
      {condition && (
        <div data-testid="condition">
          <StateTag state={condition} />
          {drainEndsAtMs !== undefined && agent.taskCount > 0 && (
            <div class="faint">
              tasks are killed <TimeLeft untilMs={drainEndsAtMs} />
            </div>
          )}
        </div>
      )}
      {unavailability && (
        <div data-testid="window" class="faint">
          away from {dateAndTime(unavailability.startMs)}
          {unavailability.durationMs !== undefined && ` for ${duration(unavailability.durationMs)}`}
        </div>
      )}
      {inverseOffersByAgent.value.get(agent.agentId)?.map(({ inverseOfferId, frameworkId, answer }) => (
        <div key={inverseOfferId} data-testid="inverse-offer" class="faint">
          {frameworkNames.value.get(frameworkId) ?? frameworkId} is asked to leave
          {answer && `: ${answer}`}
        </div>
      ))}
    </>
  )
}

function Bar({ agent, name }: { agent: AgentView; name: string }) {
  const of = (held: WireResources) => Resources.fromWire(held).scalar(name)
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
