import {
  fromThousandths,
  isTerminal,
  largestThousandths,
  liveStates,
  parseAttributes,
  roleProblem,
  taskStates,
  terminalStates,
  toThousandths,
} from '@tender/sdk/values'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'

describe('quantities', () => {
  it('are whole thousandths: the nearest one, halves up', () => {
    expect([0.1 + 0.2, 1.0004, 0.0005, 0, 10_000_000_000].map(toThousandths)).to.deep.equal([
      300,
      1000,
      1,
      0,
      largestThousandths,
    ])
  })

  it('come back the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: largestThousandths }), thousandths => {
        expect(toThousandths(fromThousandths(thousandths))).to.equal(thousandths)
      }),
    )
  })

  it('are refused below zero, above the largest, and when they are no number', () => {
    for (const value of [-0.001, 10_000_000_000.001, Infinity, -Infinity, Number.NaN]) {
      expect(() => toThousandths(value)).to.throw(
        RangeError,
        `a scalar must be from 0 to 10000000000, got ${value}`,
      )
    }
  })
})

describe('attributes', () => {
  it('are text or numbers', () => {
    expect(parseAttributes('rack:r1; slots:4;zone:eu/west-1;temperature:-1.5;version:1.2.3;')).to.deep.equal({
      rack: 'r1',
      slots: 4,
      zone: 'eu/west-1',
      temperature: -1.5,
      version: '1.2.3',
    })
    expect(parseAttributes('')).to.deep.equal({})
  })

  it('may have any name that is a name', () => {
    expect(parseAttributes('constructor:1;toString:x')).to.deep.equal({ constructor: 1, toString: 'x' })
  })

  const wrong: [string, string][] = [
    ['rack', "attributes 'rack': each is name:value of letters, digits or '_./-', got 'rack'"],
    ['rack:', "attributes 'rack:': each is name:value of letters, digits or '_./-', got 'rack:'"],
    ['a:1;2:b', "attributes 'a:1;2:b': each is name:value of letters, digits or '_./-', got '2:b'"],
    ['rack:r 1', "attributes 'rack:r 1': each is name:value of letters, digits or '_./-', got 'rack:r 1'"],
    ['rack:r1;rack:r2', "attributes 'rack:r1;rack:r2': 'rack' is named twice"],
  ]
  for (const [text, message] of wrong) {
    it(`refuse '${text}'`, () => expect(() => parseAttributes(text)).to.throw(TypeError, message))
  }
})

describe('roles', () => {
  it('are paths, or the star', () => {
    for (const role of ['*', 'web', 'eng/web', 'a.b/c-d', '..a', 'ünïcode']) {
      expect(roleProblem(role)).to.equal(undefined)
    }
  })

  const wrong: [string, string][] = [
    ['', "a role's parts between '/' must not be empty"],
    ['/a', "a role's parts between '/' must not be empty"],
    ['a/', "a role's parts between '/' must not be empty"],
    ['a//b', "a role's parts between '/' must not be empty"],
    ['.', "a role's part must not be '.'"],
    ['a/..', "a role's part must not be '..'"],
    ['a/*', "a role's part must not be '*'"],
    ['-a', "a role's part must not start with '-'"],
    ['a/-b', "a role's part must not start with '-'"],
    ['a b', 'a role must not contain white space or control characters'],
    ['a\tb', 'a role must not contain white space or control characters'],
    ['a\u0007b', 'a role must not contain white space or control characters'],
    ['x'.repeat(201), 'a role has at most 200 characters'],
  ]
  for (const [role, problem] of wrong) {
    it(`are not ${JSON.stringify(role.slice(0, 20))}: ${problem}`, () => {
      expect(roleProblem(role)).to.equal(problem)
    })
  }
})

describe('task states', () => {
  it('are live or terminal, each one of the two', () => {
    expect(taskStates.filter(state => isTerminal(state))).to.deep.equal([...terminalStates])
    expect(taskStates.filter(state => !isTerminal(state))).to.deep.equal([...liveStates])
    expect(new Set(taskStates).size).to.equal(taskStates.length)
  })

  it('leave a task that is out of sight alive', () => {
    expect((['UNREACHABLE', 'UNKNOWN', 'KILLING'] as const).map(isTerminal)).to.deep.equal([
      false,
      false,
      false,
    ])
  })
})
