import { Resources } from '@tender/sdk/values'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { toldOrDetected } from '../../../../agent/resources/static-resources.js'

describe('the resources that an agent is started with', () => {
  const detected = Resources.parse('cpus:2;mem:1024;disk:100;ports:[31000-32000]')
  const cases: [told: string, total: string][] = [
    ['', 'cpus:2;mem:1024;disk:100;ports:[31000-32000]'],
    ['cpus:4;cpus(web):1', 'cpus:4;cpus(web):1;mem:1024;disk:100;ports:[31000-32000]'],
    [' disk{mount}:50 ; mem(web):64', 'cpus:2;mem(web):64;disk{mount}:50;ports:[31000-32000]'],
    ['disk:0;ports:[];gpus:1', 'cpus:2;mem:1024;gpus:1'],
  ]
  for (const [told, total] of cases) {
    it(`are '${total}' when it is told '${told}'`, () => {
      expect(String(toldOrDetected(told, detected))).to.equal(String(Resources.parse(total)))
    })
  }
})
