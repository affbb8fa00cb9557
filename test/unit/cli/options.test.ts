import { expect } from 'chai'
import { describe, it } from 'mocha'
import { duration, instant, leaseDuration, quantities, resources, weight } from '../../../cli/options.js'

describe('on the command line', () => {
  it('a time is one of the calendar, or so long from now', () => {
    expect(instant('2030-01-31T22:00:00Z')).to.equal(Date.UTC(2030, 0, 31, 22))
    expect(instant('2030-01-31T22:00+01:00')).to.equal(Date.UTC(2030, 0, 31, 21))
    expect([instant('90s', 1_000), instant('0s', 1_000), instant('1d', 0)]).to.deep.equal([
      91_000, 1_000, 86_400_000,
    ])
  })

  it('a lease is of half a second to five minutes', () => {
    expect(['500ms', '10s', '5m'].map(leaseDuration)).to.deep.equal([500, 10_000, 300_000])
  })

  it('amounts and resources are as in JSON', () => {
    expect(quantities('mem:1024;cpus:0')).to.deep.equal({ cpus: 0, mem: 1024 })
    expect(resources('disk(web,dynamic)[data:/data]:100;ports:[1-2]')).to.deep.equal({
      'disk(web,dynamic)[data:/data]': 100,
      ports: [[1, 2]],
    })
  })

  const wrong: readonly (readonly [read: () => unknown, message: string])[] = [
    [() => duration('2w'), "a duration is like 500ms, 5s, 10m, 1h or 2d, got '2w'."],
    [() => leaseDuration('499ms'), "a lease is from 500ms to 5m, got '499ms'."],
    [() => leaseDuration('6m'), "a lease is from 500ms to 5m, got '6m'."],
    [() => leaseDuration('1'), "a duration is like 500ms, 5s, 10m, 1h or 2d, got '1'."],
    [
      () => instant('tomorrow'),
      "a time is like 2030-01-31T22:00:00Z, or from now on like 30m, 2h or 1d, got 'tomorrow'.",
    ],
    [() => instant('2030-02-31T99:00'), "there is no such time, got '2030-02-31T99:00'."],
    [() => weight('0'), "a weight is a number above 0, at most 1000000, got '0'."],
    [() => weight('x'), "a weight is a number above 0, at most 1000000, got 'x'."],
    [
      () => quantities('cpus(web):2'),
      "resources 'cpus(web):2', position 1: a quantity is a plain name and a number, got 'cpus(web)'.",
    ],
    [() => resources('cpus'), "resources 'cpus', position 5: ':' and a value must follow 'cpus'."],
  ]
  for (const [read, message] of wrong) {
    it(`refuses: ${message}`, () => {
      expect(read).to.throw(message)
    })
  }
})
