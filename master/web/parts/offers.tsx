import type { OfferView } from '../../core/view.js'
import { ResourceList } from './resource-list.js'
import { Section } from './section.js'
import { type Column, Table } from './table.js'
import { Age, Countdown } from './ticking.js'

export const offerColumns: readonly Column<OfferView>[] = [
  { head: 'Offer', cell: offer => <code>{offer.offerId}</code> },
  {
    head: 'Framework',
    cell: offer => <span title={`id ${offer.frameworkId}`}>{offer.frameworkName}</span>,
  },
  { head: 'Role', cell: offer => offer.role },
  {
    head: 'Agent',
    cell: offer => (
      <>
        {offer.hostname} <code class="faint">{offer.agentId}</code>
      </>
    ),
  },
  { head: 'Resources', kind: 'wide', cell: offer => <ResourceList resources={offer.resources} /> },
]

const columns: readonly Column<OfferView>[] = [
  ...offerColumns,
  { head: 'Age', kind: 'number', cell: offer => <Age sinceMs={offer.madeAtMs} /> },
  {
    head: 'Deadline',
    kind: 'number',
    cell: offer => <Countdown madeAtMs={offer.madeAtMs} untilMs={offer.expiresAtMs} />,
  },
]

export function Offers({ offers }: { offers: readonly OfferView[] }) {
  return (
    <Section id="offers" title="Outstanding offers" count={offers.length}>
      <Table
        caption="Offers that frameworks have not answered yet"
        testId="offers"
        columns={columns}
        rows={offers}
        keyOf={offer => offer.offerId}
        empty="No offer is outstanding: frameworks have answered all, have suppressed their roles, or refuse what is free for a while."
      />
    </Section>
  )
}
