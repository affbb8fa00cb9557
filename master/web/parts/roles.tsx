import type { RoleQuotaView, RoleView } from '../../core/view.js'
import { frameworkNames } from '../live/store.js'
import { ResourceList } from './resource-list.js'
import { Section } from './section.js'
import { type Column, Table } from './table.js'

const columns: readonly Column<RoleView>[] = [
  { head: 'Role', cell: role => <b>{role.role}</b> },
  { head: 'Weight', kind: 'number', cell: role => role.weight },
  { head: 'Dominant share', cell: role => <Share share={role.dominantShare} /> },
  {
    head: 'Frameworks',
    cell: role => role.frameworkIds.map(id => frameworkNames.value.get(id) ?? id).join(', '),
  },
  { head: 'Quota', cell: ({ quota }) => quota && <Quota quota={quota} /> },
  { head: 'Allocated', kind: 'wide', cell: role => <ResourceList resources={role.allocated} /> },
  { head: 'Offered', kind: 'wide', cell: role => <ResourceList resources={role.offered} /> },
]

/** What the role is guaranteed and limited to, and what it has of that. */
function Quota({ quota }: { quota: RoleQuotaView }) {
  const parts = (['guarantee', 'limit', 'consumed'] as const).map(name => [name, quota[name]] as const)
  return (
    <span class="quota">
      {parts.map(
        ([name, amounts]) =>
          amounts && (
            <span key={name}>
              <span class="label">{name}</span> <ResourceList resources={amounts} />
            </span>
          ),
      )}
    </span>
  )
}

/** Who has the smallest is offered next. */
function Share({ share }: { share: number }) {
  const percent = `${(share * 100).toFixed(1)} %`
  return (
    <span class="share">
      <span class="bar" aria-hidden="true">
        <span class="allocated" style={{ width: `${Math.min(100, share * 100)}%` }} />
      </span>{' '}
      {percent}
    </span>
  )
}

export function Roles({ roles }: { roles: readonly RoleView[] }) {
  return (
    <Section id="roles" title="Roles" count={roles.length}>
      <Table
        caption="Roles, with weight, dominant share and quota"
        testId="roles"
        columns={columns}
        rows={roles}
        keyOf={role => role.role}
        empty="No role is known. A role appears when a framework subscribes in it."
      />
    </Section>
  )
}
