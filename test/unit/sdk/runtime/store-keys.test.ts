import { keyPart } from '@tender/sdk'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'

describe('a part of a key', () => {
  it('leaves names as they are, and writes all else as hex codes', () => {
    expect(['web-1_a', 'eng/web', '*', 'a.b', 'ü', ''].map(keyPart)).to.deep.equal([
      'web-1_a',
      'eng=2fweb',
      '=2a',
      'a=2eb',
      '=c3=bc',
      '',
    ])
  })

  it('holds only what a key may hold, and tells any two texts apart', () => {
    const text = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(keyPart(a)).to.match(/^[A-Za-z0-9_=-]*$/)
        expect(keyPart(a) === keyPart(b)).to.equal(a === b)
      }),
    )
  })
})
