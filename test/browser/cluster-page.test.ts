import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { connect, type Offer, type Scheduler } from '@tender/sdk'
import type { OfferView } from '../../master/core/view.js'
import { openPage, startBrowser, type TestBrowser } from '../support/browser.js'
import { RunningDevCluster } from '../support/dev-cluster.js'

describe('the web page of a running cluster', function () {
  this.timeout(60_000)
  let browser: TestBrowser | undefined
  let cluster: RunningDevCluster
  let scheduler: Scheduler
  const held: Offer[] = []

  before(async function () {
    browser = await startBrowser()
    if (!browser) this.skip()
    const flags = ['--containerizer', 'process', '--master-port', '0', '--service-port', '0', '--no-example']
    cluster = await RunningDevCluster.start(flags)
    scheduler = await connect({
      nats: cluster.file.nats,
      cluster: cluster.file.cluster,
      framework: { frameworkId: 'holder', name: 'Holder', roles: ['prod'] },
      offers: offers => void held.push(...offers),
    })
  })

  after(async () => {
    await scheduler?.teardown()
    await browser?.close()
    await cluster?.dispose()
  })

  it('shows the same offers as the API and the command line', async () => {
    const page = await openPage(browser)
    await page.goto(cluster.file.master)
    const rows = page.getByTestId('offers-row')
    await rows.nth(2).waitFor()
    const onPage = await rows.evaluateAll(all => all.map(row => row.getAttribute('data-id')))
    const { stdout } = await cluster.tender('offers', '--json')
    const onCommandLine = (JSON.parse(stdout) as OfferView[]).map(({ offerId }) => offerId)
    const inApi = (await cluster.get<OfferView[]>(`${cluster.file.master}/api/v1/offers`)).map(
      ({ offerId }) => offerId,
    )
    expect(new Set(onPage)).to.deep.equal(new Set(inApi))
    expect(onCommandLine).to.deep.equal(inApi)
    expect(inApi.toSorted()).to.deep.equal(held.map(({ offerId }) => offerId).toSorted())
    await page.close()
  })

  it('shows a task from its launch to its end, without reload', async () => {
    const page = await openPage(browser)
    await page.goto(cluster.file.master)
    const [offer] = held
    if (!offer) throw new Error('no offer is held')
    const row = page.locator('[data-testid="tasks-row"]').filter({ hasText: 'shown' })
    await scheduler.accept(offer, [{ taskId: 'shown', resources: 'cpus:0.1;mem:32', shell: 'sleep 1000' }])
    await row.filter({ hasText: 'RUNNING' }).waitFor()
    const ended = page.getByTestId('recent-offers-row').filter({ hasText: offer.offerId })
    expect(await ended.innerText()).to.match(/accepted/)
    await scheduler.kill('shown')
    await row.filter({ hasText: 'KILLED' }).waitFor()
    await page.close()
  })
})
