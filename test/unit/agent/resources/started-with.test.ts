import { Resources } from '@tender/sdk/values'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { reconfigured, type StartedWith } from '../../../../agent/resources/started-with.js'

function startedWith(resources: string, rest: Partial<StartedWith> = {}): StartedWith {
  return { resources: Resources.parse(resources).toWire(), detected: [], attributes: {}, ...rest }
}

const domain = { region: 'north', zone: 'n1' }
const before = startedWith('cpus:4;cpus(web):1;mem:1000;disk{mount}:50;ports:[31000-31009]', {
  attributes: { rack: 'r1' },
})

/** What is wrong with being started with this, after `had`. */
function refusal(now: StartedWith, had = before): string {
  try {
    reconfigured(had, now)
  } catch (error) {
    return (error as Error).message
  }
  return expect.fail('it was accepted')
}

describe('an agent that is started again', () => {
  const more: [what: string, now: StartedWith][] = [
    ['the same', before],
    [
      'more of everything, and more attributes',
      startedWith(
        'cpus:5;cpus(web):2;mem:1000;mem(web):9;gpus:1;disk{mount}:50;disk{mount}:50;ports:[30999-31010]',
        {
          attributes: { rack: 'r1', slots: 4 },
        },
      ),
    ],
    ['a domain, where it had none', { ...before, domain }],
  ]
  for (const [what, now] of more) {
    it(`may have ${what}`, () => {
      expect(reconfigured(before, now)).to.deep.equal(now)
    })
  }

  it('has what it is started with, when nothing is known of before', () => {
    expect(reconfigured(undefined, before)).to.equal(before)
  })

  it('may have anything, when that is asked for', () => {
    const less = startedWith('cpus:1')
    expect(reconfigured(before, less, 'any')).to.equal(less)
  })

  const less: [now: string, change: string][] = [
    ['cpus:3.9;cpus(web):1;mem:1000;disk{mount}:50;ports:[31000-31009]', 'cpus:4 is now cpus:3.9.'],
    ['cpus:5;mem:1000;disk{mount}:50;ports:[31000-31009]', 'cpus(web):1 is now gone.'],
    [
      'cpus:4;cpus(web):1;mem:1000;disk{mount}:80;ports:[31001-31009]',
      'disk{mount}:50 is now disk{mount}:80; ports:[31000-31009] is now ports:[31001-31009].',
    ],
  ]
  for (const [now, change] of less) {
    it(`may not have less: ${change}`, () => {
      expect(refusal(startedWith(now, { attributes: { rack: 'r1' } }))).to.include(`before: ${change} What`)
    })
  }

  it('keeps its attributes and its domain', () => {
    const had = { ...before, attributes: { rack: 'r1', slots: 4 }, domain }
    const now = { ...before, attributes: { rack: 'r2' }, domain: { ...domain, zone: 'n2' } }
    expect(refusal(now, had)).to.equal(
      'this agent was started with something else before: attribute rack:r1 is now r2; attribute slots:4 is now gone; ' +
        'domain north/n1 is now north/n2. What frameworks have chosen it for may be added to, not taken away: start it ' +
        "with at least --resources 'cpus:4;cpus(web):1;disk{mount}:50;mem:1000;ports:[31000-31009]' --attributes " +
        "'rack:r1;slots:4' --domain north/n1; or drain it, remove it (tender agents remove <id>), and start it with a " +
        'new --work-dir',
    )
  })

  describe('with resources that are detected', () => {
    const detected = ['cpus', 'mem']
    const had = startedWith('cpus:4;mem:1000', { detected })

    it('keeps the old amount when up to 5 % less is detected, and grows with more', () => {
      const kept = reconfigured(had, startedWith('cpus:4;mem:950', { detected }))
      expect(kept).to.deep.equal(had)
      expect(reconfigured(kept, startedWith('cpus:8;mem:960', { detected }))).to.deep.equal(
        startedWith('cpus:8;mem:1000', { detected }),
      )
    })

    it('takes more than 5 % for a change', () => {
      expect(refusal(startedWith('cpus:4;mem:949.9', { detected }), had)).to.include(
        'mem:1000 is now mem:949.9.',
      )
    })

    it('takes a little less for a change, too, when it is told', () => {
      expect(refusal(startedWith('cpus:4;mem:999', { detected: ['cpus'] }), had)).to.include(
        'mem:1000 is now mem:999.',
      )
    })
  })
})
