import { Resources } from '@tender/sdk/values'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { carriedOver } from '../../../../agent/resources/carry-over.js'
import { parseStaticResources } from '../../../../agent/resources/static-resources.js'

const before = 'cpus:4;cpus(web):2;disk:100;disk{mount}:50;disk{mount}:80'
const total =
  'cpus:2;cpus(batch,dynamic):1;cpus(batch/x<batch,dynamic):1;cpus(web):1;cpus(web/a<web):1;disk:40;' +
  'disk(web,dynamic):10;disk(web,dynamic)[db:/data]:50;disk(web,dynamic)[log:/log]{mount}:80;disk{mount}:50'

/** What an agent that was left with `total` has when it is started with these. */
function restarted(startedWith: string): string {
  const wire = (text: string) => Resources.parse(text).toWire()
  const kept = { revision: 7, resources: wire(total), startedWith: wire(before) }
  return String(carriedOver(kept, Resources.parse(startedWith)))
}

describe('an agent that is started again', () => {
  it('has what it had, when it is started with the same', () => {
    expect(restarted(before)).to.equal(String(Resources.parse(total)))
  })

  it('makes the reservations and volumes of before out of other resources', () => {
    const larger = 'cpus:8;cpus(web):1;disk:60;disk{mount}:80;mem:1024'
    expect(restarted(larger)).to.equal(
      'cpus:6;cpus(batch,dynamic):1;cpus(batch/x<batch,dynamic):1;cpus(web/a<web):1;disk(web,dynamic):10;' +
        'disk(web,dynamic)[db:/data]:50;disk(web,dynamic)[log:/log]{mount}:80;mem:1024',
    )
  })

  it('has just enough when there is no more than they are made of', () => {
    expect(restarted('cpus:2;cpus(web):1;disk:60;disk{mount}:80')).not.to.include('cpus:')
  })

  const missing: [startedWith: string, missing: string][] = [
    ['cpus:1;cpus(web):2;disk:100;disk{mount}:80', 'cpus:1'],
    ['cpus:4;disk:100;disk{mount}:80', 'cpus(web):1'],
    ['cpus:4;cpus(web):2;disk:100;disk{mount}:50;disk{mount}:81', 'disk{mount}:80'],
    ['', 'cpus:2;cpus(web):1;disk:60;disk{mount}:80'],
  ]
  for (const [startedWith, what] of missing) {
    it(`refuses to start with '${startedWith}', and says what is missing and what is enough`, () => {
      expect(() => restarted(startedWith)).to.throw(
        `missing is ${what} of the cpus:2;cpus(web):1;disk:60;disk{mount}:80 that they need`,
      )
    })
  }
})

describe('the resources that an agent is started with', () => {
  it('may be reserved for a role, revocable, or mounts', () => {
    const text = 'cpus:4;cpus(web):2;cpus{revocable}:1;disk(web){mount}:50;disk{mount}:50;ports(web):[1-2]'
    expect(String(parseStaticResources(text))).to.equal(text)
  })

  const refused: [text: string, what: string][] = [
    ['cpus(web,dynamic):1', "'cpus(web,dynamic)' is a dynamic reservation"],
    ['cpus(web/a<web):1', "'cpus(web/a<web)' is a refined reservation"],
    ['cpus:1;disk(web)[db:/data]:5', "'disk(web)[db:/data]' is a volume"],
  ]
  for (const [text, what] of refused) {
    it(`may not be '${text}', which is made at run time`, () => {
      expect(() => parseStaticResources(text)).to.throw(
        TypeError,
        `--resources: ${what}, which is made at run time; allowed are plain names`,
      )
    })
  }
})
