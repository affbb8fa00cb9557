import type { FrameworkView } from '../../core/view.js'
import { ExplainButton, explanationOf } from './explanation.js'
import { ResourceList } from './resource-list.js'
import { Section } from './section.js'
import { StateTag } from './state-tag.js'
import { type Column, Table } from './table.js'
import { Age } from './ticking.js'

const columns: readonly Column<FrameworkView>[] = [
  { head: 'Framework', cell: framework => <FrameworkName framework={framework} /> },
  {
    head: 'State',
    cell: framework => (
      <>
        <StateTag state={framework.state} />
        {framework.disconnectedAtMs !== undefined && (
          <div class="faint">
            for <Age sinceMs={framework.disconnectedAtMs} />
          </div>
        )}
      </>
    ),
  },
  {
    head: 'Roles',
    cell: ({ roles, suppressedRoles }) =>
      roles.map(role => (
        <div key={role}>
          {role} {suppressedRoles.includes(role) && <StateTag state="suppressed" />}
        </div>
      )),
  },
  { head: 'Allocated', kind: 'wide', cell: framework => <ResourceList resources={framework.allocated} /> },
  { head: 'Offered', kind: 'wide', cell: framework => <ResourceList resources={framework.offered} /> },
  { head: 'Offers', kind: 'number', cell: framework => framework.offerCount },
  { head: 'Tasks', kind: 'number', cell: framework => framework.taskCount },
  { head: 'Explain', cell: ({ frameworkId }) => <ExplainButton frameworkId={frameworkId} /> },
]

function FrameworkName({ framework }: { framework: FrameworkView }) {
  const { name, frameworkId, webUrl } = framework
  // A framework says by itself where its page is: only what a browser opens as a page becomes a link.
  const isLink = webUrl !== undefined && /^https?:\/\//i.test(webUrl)
  return (
    <>
      {isLink ? (
        <a href={webUrl} target="_blank" rel="noreferrer">
          {name}
        </a>
      ) : (
        <b>{name}</b>
      )}
      {frameworkId !== name && (
        <div>
          <code class="faint">{frameworkId}</code>
        </div>
      )}
    </>
  )
}

export function Frameworks({ frameworks }: { frameworks: readonly FrameworkView[] }) {
  return (
    <Section id="frameworks" title="Frameworks" count={frameworks.length}>
      <Table
        caption="Frameworks, with what they hold and are offered"
        testId="frameworks"
        columns={columns}
        rows={frameworks}
        keyOf={framework => framework.frameworkId}
        details={({ frameworkId }) => explanationOf(frameworkId)}
        empty={
          <>
            No framework has subscribed. Start the bundled one with <code>tender service</code>, or write one
            with @tender/sdk.
          </>
        }
      />
    </Section>
  )
}
