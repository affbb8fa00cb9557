import type { LeaderView } from '../../core/view.js'
import { dateAndTime } from '../format/time.js'
import { filterText } from '../live/store.js'
import { ConnectionMark } from './connection-mark.js'

const sections = [
  ['offers', 'Offers'],
  ['recent-offers', 'Recent'],
  ['agents', 'Agents'],
  ['tasks', 'Tasks'],
  ['frameworks', 'Frameworks'],
  ['roles', 'Roles'],
] as const

export function Header({ leader }: { leader: LeaderView | undefined }) {
  return (
    <header class="top">
      <h1>
        <img src="./favicon.svg" alt="" width="22" height="22" /> Tender
        {leader && <span class="cluster">{leader.cluster}</span>}
      </h1>
      <nav aria-label="Sections">
        {sections.map(([id, title]) => (
          <a key={id} href={`#${id}`}>
            {title}
          </a>
        ))}
      </nav>
      <input
        class="filter"
        type="search"
        placeholder="Filter rows"
        aria-label="Show only rows that contain this text"
        data-testid="filter"
        value={filterText}
        onInput={event => {
          filterText.value = event.currentTarget.value
        }}
      />
      {leader && (
        <p class="leader" data-testid="leader" title={`leads since ${dateAndTime(leader.electedAtMs)}`}>
          <span class="label">leader</span> <b data-testid="leader-id">{leader.masterId}</b>{' '}
          <span class="label">epoch</span> <b data-testid="leader-epoch">{leader.epoch}</b>
        </p>
      )}
      <ConnectionMark />
    </header>
  )
}
