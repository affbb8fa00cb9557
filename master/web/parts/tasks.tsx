import { isTerminal } from '@tender/sdk/values'
import type { TaskView } from '../../core/view.js'
import { logUrl } from '../live/api.js'
import { frameworkNames } from '../live/store.js'
import { ResourceList } from './resource-list.js'
import { Section } from './section.js'
import { StateTag } from './state-tag.js'
import { type Column, Table } from './table.js'
import { Age } from './ticking.js'

const columns: readonly Column<TaskView>[] = [
  {
    head: 'Task',
    cell: task => (
      <>
        <code>{task.taskId}</code>
        {task.name && task.name !== task.taskId && <div class="faint">{task.name}</div>}
      </>
    ),
  },
  { head: 'State', cell: task => <StateTag state={task.state} /> },
  {
    head: 'Framework',
    cell: task => (
      <span title={`id ${task.frameworkId}, role ${task.role}`}>
        {frameworkNames.value.get(task.frameworkId) ?? task.frameworkId}
      </span>
    ),
  },
  { head: 'Agent', cell: task => task.hostname },
  { head: 'Resources', kind: 'wide', cell: task => <ResourceList resources={task.resources} /> },
  { head: 'Last status', cell: task => <LastStatus task={task} /> },
  { head: 'Changed', kind: 'number', cell: task => <>{<Age sinceMs={task.updatedAtMs} />} ago</> },
  {
    head: 'Output',
    cell: task => (
      <span class="links">
        {['stdout', 'stderr'].map(stream => (
          <a
            key={stream}
            href={logUrl(task.taskId, task.frameworkId, stream)}
            target="_blank"
            rel="noreferrer"
            aria-label={`${stream} of ${task.taskId}`}
          >
            {stream}
          </a>
        ))}
      </span>
    ),
  },
]

/** How it ended, or what its last status said. */
function LastStatus({ task }: { task: TaskView }) {
  const { exitCode, reason, message } = task.status ?? {}
  return (
    <>
      {exitCode !== undefined && <b>exit {exitCode} </b>}
      {reason && <code>{reason} </code>}
      {message && <span class="reason">{message}</span>}
    </>
  )
}

export function Tasks({ tasks }: { tasks: readonly TaskView[] }) {
  // Those that run come first; within each part the order stays, newest first.
  const live = tasks.filter(task => !isTerminal(task.state))
  const ended = tasks.filter(task => isTerminal(task.state))
  return (
    <Section
      id="tasks"
      title="Tasks"
      count={live.length}
      aside={ended.length > 0 && <p class="legend">{ended.length} more have ended</p>}
    >
      <Table
        caption="Tasks, those that have ended last"
        testId="tasks"
        columns={columns}
        rows={[...live, ...ended]}
        keyOf={task => `${task.frameworkId}/${task.taskId}`}
        rowsAtFirst={50}
        empty={
          <>
            No task has been launched. Deploy an app with <code>tender deploy FILE</code>.
          </>
        }
      />
    </Section>
  )
}
