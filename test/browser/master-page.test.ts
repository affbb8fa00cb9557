import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Page } from 'playwright-core'
import type { StateView } from '../../master/core/view.js'
import { openPage, startBrowser, type TestBrowser } from '../support/browser.js'
import { type FakeEndpoint, startFakeEndpoint } from '../support/fake-master.js'
import {
  agentOf,
  ended,
  eventOf,
  explanationOf,
  frameworkOf,
  inverseOfferOf,
  leaderOf,
  nowMs,
  offerOf,
  roleOf,
  stateOf,
  taskOf,
} from '../support/master-views.js'

const webDir = fileURLToPath(new URL('../../master/web', import.meta.url))

/** The times of the fixtures moved to now, so that ages and deadlines are what they would be. */
function atPresent<T>(view: T): T {
  const shift = Date.now() - nowMs
  const moved = JSON.stringify(view, (key, value: unknown) =>
    typeof value === 'number' && key.endsWith('AtMs') ? value + shift : value,
  )
  return JSON.parse(moved) as T
}

describe('the web page in a browser', function () {
  let browser: TestBrowser | undefined
  let endpoint: FakeEndpoint
  let page: Page
  let complaints: string[]
  let hosts: Set<string>

  before(async function () {
    browser = await startBrowser()
    if (!browser) this.skip()
  })
  after(async () => {
    await browser?.close()
  })

  beforeEach(async () => {
    endpoint = await startFakeEndpoint({ webDir })
    endpoint.master.stateView = atPresent(endpoint.master.stateView)
    page = await openPage(browser)
    complaints = []
    hosts = new Set()
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', error => complaints.push(error.message))
    page.on('request', request => hosts.add(new URL(request.url()).host))
  })
  afterEach(async () => {
    await page?.close()
    await endpoint?.close()
  })

  async function open(state?: StateView): Promise<void> {
    if (state) endpoint.master.stateView = atPresent(state)
    await page.goto(endpoint.url)
    await page.locator('[data-testid=connection][data-state=live]').waitFor()
  }
  const row = (table: string, id: string) => page.locator(`[data-testid=${table}-row][data-id="${id}"]`)
  const texts = (selector: string) => page.locator(selector).allInnerTexts()
  const cells = (table: string, id: string) => row(table, id).locator('td').allInnerTexts()
  const plain = (cellTexts: readonly string[]) => cellTexts.map(text => text.replace(/\s+/g, ' ').trim())

  it('shows leader and epoch, asks nobody else, and has nothing to complain of', async () => {
    await open()
    const leader = await page.getByTestId('leader').innerText()
    expect(leader.replace(/\s+/g, ' ')).to.equal('leader master-1 epoch 7')
    expect([...hosts]).to.deep.equal([new URL(endpoint.url).host])
    expect(complaints).to.deep.equal([])
  })

  it('shows the outstanding offers with framework, role, agent, resources, age and deadline', async () => {
    await open()
    const [offer, framework, role, agent, resources, age, deadline] = plain(await cells('offers', '7-101'))
    expect([offer, framework, role, agent, resources]).to.deep.equal([
      '7-101',
      'service framework',
      'service',
      'agent-1.example agent-1',
      'cpus 1 mem 512 MB',
    ])
    expect(age).to.match(/^1[2-9] s$/)
    expect(deadline).to.match(/^in 4\d s$/)
  })

  it('ticks', async () => {
    await open()
    const age = row('offers', '7-101').getByTestId('age')
    const deadline = row('offers', '7-101').getByTestId('deadline')
    const first = [await age.innerText(), await deadline.innerText()]
    await page.waitForTimeout(1_200)
    const later = [await age.innerText(), await deadline.innerText()]
    const number = (text: string | undefined) => Number(/\d+/.exec(text ?? '')?.[0])
    expect(number(later[0])).to.be.above(number(first[0]))
    expect(number(later[1])).to.be.below(number(first[1]))
  })

  it('shows what became of the recent offers', async () => {
    await open()
    const outcomes = await texts('[data-testid=recent-offers-row] td:nth-child(6)')
    const ages = await texts('[data-testid=recent-offers-row] td:nth-child(7)')
    expect(plain(outcomes)).to.deep.equal([
      'accepted',
      'rescinded agent agent-3 is unreachable',
      'declined',
      'expired',
    ])
    expect(ages).to.deep.equal(['3 ms', '850 ms', '14.2 s', '1 m 00 s'])
  })

  it('shows agents with what is allocated, offered and free', async () => {
    await open()
    const bars = row('agents', 'agent-1').getByRole('img', { name: /free of/ })
    const spoken = await bars.evaluateAll(all => all.map(each => each.getAttribute('aria-label')))
    expect(spoken).to.deep.equal([
      'cpus: 0.5 allocated, 1 offered, 2.5 free of 4',
      'mem: 128 MB allocated, 512 MB offered, 7.38 GB free of 8 GB',
      'disk: 0 MB allocated, 0 MB offered, 20 GB free of 20 GB',
    ])
    expect(plain(await cells('agents', 'agent-1'))[5]).to.equal('31000 31001–31099')
    expect(plain(await texts('[data-testid=agents-row] td:nth-child(2) .tag'))).to.deep.equal([
      'registered',
      'registered',
      'unreachable',
    ])
  })

  it('shows frameworks, tasks and roles', async () => {
    await open()
    expect(plain(await cells('frameworks', 'service')).slice(0, 3)).to.deep.equal([
      'service framework service',
      'connected',
      'service eng/web suppressed',
    ])
    expect(await row('frameworks', 'service').getByRole('link').getAttribute('href')).to.equal(
      'http://127.0.0.1:8080',
    )
    const task = plain(await cells('tasks', 'batch/nightly-1'))
    expect([task[1], task[2], task[5]]).to.deep.equal([
      'FAILED',
      'batch framework',
      'exit 3 COMMAND_EXITED exited with status 3',
    ])
    expect(await row('tasks', 'batch/nightly-1').getByRole('link').first().getAttribute('href')).to.equal(
      'api/v1/tasks/nightly-1/logs?framework=batch&stream=stdout',
    )
    expect(plain(await cells('roles', 'batch')).slice(0, 4)).to.deep.equal([
      'batch',
      '1',
      '33.3 %',
      'batch framework',
    ])
  })

  it('says that the master suspects its own link, and which agents are not well, until all is right again', async () => {
    const agent = agentOf('a1', { problem: 'the docker engine does not answer', isSilent: true })
    const leader = leaderOf({ suspicion: { sinceMs: nowMs, silentAgents: 7 } })
    await open(stateOf({ leader, agents: [agent] }))
    const notice = page.getByTestId('suspicion')
    expect(await notice.innerText()).to.match(/^7 agents are silent at once: .*tender agents confirm-silent/)
    expect(await row('agents', 'a1').innerText()).to.match(
      /silent[\s\S]*unwell the docker engine does not answer/,
    )
    endpoint.hub.publish(eventOf({ kind: 'leader', leader: leaderOf({}) }))
    await notice.waitFor({ state: 'detached' })
  })

  it('shows what operators have ordered of agents and roles', async () => {
    const resources = {
      cpus: 2,
      'cpus(web,dynamic)': 2,
      'disk(web)[data:/data]': 2048,
      ports: [[1, 2] as const],
    }
    await open(
      stateOf({
        agents: [
          agentOf('drained', { condition: 'draining', drainEndsAtMs: nowMs + 90_000, taskCount: 1 }),
          agentOf('reserved', {
            resources,
            free: resources,
            unavailability: { startMs: nowMs + 60_000, durationMs: 3_600_000 },
          }),
        ],
        roles: [
          roleOf('web', {
            quota: { guarantee: { cpus: 2, mem: 1024 }, limit: { gpus: 0 }, consumed: { cpus: 1 } },
          }),
        ],
      }),
    )
    const [, drained] = plain(await cells('agents', 'drained'))
    expect(drained).to.match(/^registered draining tasks are killed in 1 m 2\d s$/)
    const [name, window] = plain(await cells('agents', 'reserved'))
    expect(name).to.match(/reserved cpus\(web,dynamic\) 2 disk\(web\)\[data:\/data\] 2 GB$/)
    expect(window).to.match(/^registered away from .+ for 1 h 00 m$/)
    const inverseOffer = inverseOfferOf('7-i1', { agentId: 'reserved', answer: 'declined' })
    endpoint.hub.publish(eventOf({ kind: 'inverse-offer', inverseOffer }))
    const asked = row('agents', 'reserved').getByTestId('inverse-offer')
    await asked.waitFor()
    expect(await asked.innerText()).to.equal('service is asked to leave: declined')
    const cpus = row('agents', 'reserved').getByRole('img', { name: /^cpus/ })
    expect(await cpus.getAttribute('aria-label')).to.equal('cpus: 0 allocated, 0 offered, 4 free of 4')
    expect(plain(await cells('roles', 'web'))[4]).to.equal(
      'guarantee cpus 2 mem 1 GB limit gpus 0 consumed cpus 1',
    )
  })

  describe('explains why a framework has no offers', () => {
    const button = (id: string) => row('frameworks', id).getByRole('button', { name: 'Why no offers?' })
    const funnel = (role: string) => page.locator(`[data-testid=funnel][data-id="${role}"]`)

    beforeEach(() => {
      endpoint.master.explanations.set('service', explanationOf('service', ['service', 'eng/web']))
    })

    it('with the keyboard, for each role: reason, agents, example and advice', async () => {
      await open()
      await button('service').focus()
      await page.keyboard.press('Enter')
      await funnel('eng/web').waitFor()
      expect(await button('service').getAttribute('aria-expanded')).to.equal('true')
      const stages = await funnel('service').getByTestId('funnel-row').allInnerTexts()
      expect(plain(stages)).to.deep.equal([
        '1 below-minimum what is left is less than the minimum ' +
          'agent-2.example agent-2 cpus:0.005 is free, and the minimum is cpus:0.01',
        '1 filtered the framework has refused it, and its filter holds ' +
          'agent-1.example agent-1 refused 2 s ago, for another 3 s',
      ])
      expect(await funnel('service').getByTestId('advice').innerText()).to.equal(
        'Advice: revive role service, or wait for 3 s',
      )
      await page.keyboard.press('Enter')
      await page.getByTestId('explanation').waitFor({ state: 'detached' })
      expect([[...hosts], complaints]).to.deep.equal([[new URL(endpoint.url).host], []])
    })

    it('anew when something happens, at most once a second, and no more when it is closed', async () => {
      let asked = 0
      page.on('request', request => {
        if (request.url().includes('/explain')) asked += 1
      })
      await open()
      await button('service').click()
      await funnel('service').waitFor()
      endpoint.master.explanations.set('service', explanationOf('service', ['later']))
      for (let number = 0; number < 20; number++) {
        endpoint.hub.publish(eventOf({ kind: 'framework', framework: frameworkOf('batch') }))
        await page.waitForTimeout(20)
      }
      await funnel('later').waitFor()
      expect(asked).to.equal(2)
      await button('service').click()
      endpoint.hub.publish(eventOf({ kind: 'framework', framework: frameworkOf('batch') }))
      await page.waitForTimeout(1_200)
      expect(asked).to.equal(2)
    })

    it('and says so when the master cannot', async () => {
      await open()
      endpoint.master.stateView = stateOf()
      await button('service').click()
      await page.locator('[data-testid=explanation][data-state=failed]').waitFor()
      expect(await page.getByTestId('explanation').innerText()).to.equal(
        'It cannot be explained now: the master answered 404.',
      )
    })
  })

  it('shows a new offer without reload, and moves it to the recent ones when it ends', async () => {
    await open()
    await page.evaluate('window.notReloaded = true')
    const offer = atPresent(offerOf('7-200', { resources: { cpus: 2 } }))
    endpoint.hub.publish(eventOf({ kind: 'offer-made', offer }))
    await row('offers', '7-200').waitFor()
    endpoint.hub.publish(eventOf({ kind: 'offer-ended', offer: ended(offer, 'declined', { ageMs: 420 }) }))
    await row('recent-offers', '7-200').waitFor()
    expect(await row('offers', '7-200').count()).to.equal(0)
    expect(plain(await cells('recent-offers', '7-200')).slice(5, 7)).to.deep.equal(['declined', '420 ms'])
    expect(await page.evaluate('window.notReloaded')).to.equal(true)
  })

  it('shows a task that starts, and what it takes from its agent', async () => {
    await open()
    const task = atPresent(taskOf('web.2', { resources: { cpus: 1 } }))
    endpoint.hub.publish(eventOf({ kind: 'task', task }))
    await row('tasks', 'service/web.2').waitFor()
    const cpus = row('agents', 'agent-1').getByRole('img', { name: /^cpus/ })
    expect(await cpus.getAttribute('aria-label')).to.equal('cpus: 1.5 allocated, 1 offered, 1.5 free of 4')
  })

  it('fetches everything anew when this master is elected again', async () => {
    await open()
    endpoint.master.stateView = { ...endpoint.master.stateView, leader: leaderOf({ epoch: 8 }) }
    endpoint.hub.begin('master-1-8')
    await page.getByTestId('leader-epoch').getByText('8', { exact: true }).waitFor()
  })

  it('says so when the master leads no more, and where the leader is', async () => {
    await open()
    endpoint.master.leads = false
    endpoint.master.knownLeader = leaderOf({ isLeader: false, httpUrl: 'http://10.0.0.2:5050' })
    endpoint.hub.end()
    const link = page.getByRole('alert').getByRole('link')
    await link.waitFor()
    expect(await link.getAttribute('href')).to.equal('http://10.0.0.2:5050')
    expect([...hosts]).to.deep.equal([new URL(endpoint.url).host])
  })

  it('comes back by itself when there is a leader again', async () => {
    endpoint.master.leads = false
    endpoint.master.knownLeader = undefined
    await page.goto(endpoint.url)
    await page.locator('[data-testid=connection][data-state=no-leader]').waitFor()
    endpoint.master.leads = true
    endpoint.master.knownLeader = leaderOf()
    await row('offers', '7-101').waitFor()
  })

  it('says what to do when there is nothing yet', async () => {
    await open(stateOf())
    const hints = await texts('.empty')
    expect(hints).to.have.length(6)
    expect(hints.join(' ')).to.include('tender agent').and.include('tender deploy FILE')
  })

  it('shows only the rows that the operator looks for', async () => {
    await open()
    await page.getByTestId('filter').fill('nightly')
    await row('tasks', 'service/web.1').waitFor({ state: 'detached' })
    expect(await texts('[data-testid=tasks-row] td:first-child code')).to.deep.equal(['nightly-1'])
  })

  it('can be used with the keyboard, and is not wider than a narrow screen', async () => {
    await page.setViewportSize({ width: 390, height: 800 })
    await open()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('Offers')
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(390)
  })
})
