import type { OfferView } from '../../core/view.js'
import { duration, timeOfDay } from '../format/time.js'
import { offerColumns } from './offers.js'
import { Section } from './section.js'
import { StateTag } from './state-tag.js'
import { type Column, Table } from './table.js'

const columns: readonly Column<OfferView>[] = [
  ...offerColumns,
  {
    head: 'Outcome',
    cell: offer => (
      <>
        <StateTag state={offer.state} /> {offer.reason && <span class="reason">{offer.reason}</span>}
      </>
    ),
  },
  { head: 'Age', kind: 'number', cell: offer => duration(offer.ageMs) },
  {
    head: 'Ended',
    kind: 'number',
    cell: offer => (offer.endedAtMs === undefined ? '' : timeOfDay(offer.endedAtMs)),
  },
]

export function RecentOffers({ offers }: { offers: readonly OfferView[] }) {
  return (
    <Section id="recent-offers" title="What became of recent offers" count={offers.length}>
      <Table
        caption="Offers that have ended, newest first"
        testId="recent-offers"
        columns={columns}
        rows={offers}
        keyOf={offer => offer.offerId}
        rowsAtFirst={8}
        empty="No offer has ended yet. An offer ends when its framework accepts or declines it, or at its deadline."
      />
    </Section>
  )
}
