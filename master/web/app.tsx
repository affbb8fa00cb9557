import { state } from './live/store.js'
import { Agents } from './parts/agents.js'
import { ConnectionNotice } from './parts/connection-notice.js'
import { Frameworks } from './parts/frameworks.js'
import { Header } from './parts/header.js'
import { Offers } from './parts/offers.js'
import { RecentOffers } from './parts/recent-offers.js'
import { Roles } from './parts/roles.js'
import { Summary } from './parts/summary.js'
import { SuspicionNotice } from './parts/suspicion-notice.js'
import { Tasks } from './parts/tasks.js'

export function App() {
  const current = state.value
  return (
    <>
      <Header leader={current?.leader} />
      <main>
        <ConnectionNotice />
        {current && <SuspicionNotice leader={current.leader} />}
        {current && (
          <>
            <Summary state={current} />
            <Offers offers={current.offers} />
            <RecentOffers offers={current.recentOffers} />
            <Agents agents={current.agents} />
            <Tasks tasks={current.tasks} />
            <Frameworks frameworks={current.frameworks} />
            <Roles roles={current.roles} />
          </>
        )}
      </main>
    </>
  )
}
