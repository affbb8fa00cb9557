import {
  decoder,
  encode,
  type Envelope,
  frameworkToLeader,
  leaderToEveryone,
  unpack,
  warmUp,
} from '@tender/sdk/protocol'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'

const decode = decoder(frameworkToLeader)

const kill: Envelope = {
  v: 2,
  kind: 'kill',
  session: 's1',
  sequence: 1,
  epoch: 7,
  call: 'c1',
  body: { taskId: 't1' },
}

/** Why bytes are no message: code, sentence, and the call that is to be answered. */
function refusal(bytes: Uint8Array): { code?: string; message?: string; call?: string | undefined } {
  const decoded = decode(bytes)
  if (decoded.ok) return {}
  const { code, message } = decoded.error
  return { code, message, ...(decoded.call === undefined ? {} : { call: decoded.call }) }
}

describe('the codec', () => {
  it('gives a message back as it was, with its envelope', () => {
    expect(decode(encode(kill))).to.deep.equal({ ok: true, message: kill })
  })

  it('writes msgpack maps with text as keys, which any language reads', () => {
    const [first, ...rest] = encode({ ...kill, call: 'c' })
    expect(first).to.equal(0xde) // a map, its size in 16 bits: seven
    expect(rest.slice(0, 5)).to.deep.equal([0, 7, 0xa1, 'v'.charCodeAt(0), 2])
  })

  it('reads 64 bit integers, as other languages write them', () => {
    expect(unpack(Uint8Array.of(0xcf, 0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00))).to.equal(1_700_000_000_000)
    expect(unpack(Uint8Array.of(0xd3, 0, 0, 0, 0, 0, 0, 0, 5))).to.equal(5)
  })

  const wrong: [name: string, bytes: Uint8Array, refused: object][] = [
    [
      'nothing',
      new Uint8Array(),
      { code: 'malformed', message: 'a message is a msgpack map, got 0 bytes that are not msgpack' },
    ],
    [
      'text',
      new TextEncoder().encode('hello'),
      { code: 'malformed', message: 'a message is a msgpack map, got 5 bytes that are not msgpack' },
    ],
    [
      'the start of a message',
      encode(kill).subarray(0, 20),
      { code: 'malformed', message: 'a message is a msgpack map, got 20 bytes that are not msgpack' },
    ],
    [
      'a number',
      Uint8Array.of(5),
      { code: 'malformed', message: 'envelope: the whole: must be object, got 5' },
    ],
    [
      'an envelope without a session',
      encode({ ...kill, session: '' }),
      {
        code: 'malformed',
        message: 'envelope: /session: must NOT have fewer than 1 characters, got ""',
        call: 'c1',
      },
    ],
    [
      'a call that is no text',
      encode({ ...kill, call: 5 as never }),
      { code: 'malformed', message: 'envelope: /call: must be string, got 5' },
    ],
    [
      'another version',
      encode({ ...kill, v: 3 }),
      { code: 'unsupported-version', message: 'this end speaks versions 1 to 2, got 3', call: 'c1' },
    ],
    [
      'a kind that is not known',
      encode({ ...kill, kind: 'explode' }),
      {
        code: 'unknown-kind',
        message: `kind must be one of ${Object.keys(frameworkToLeader).join(', ')}, got explode`,
        call: 'c1',
      },
    ],
    [
      'a kind that every object has',
      encode({ ...kill, kind: '__proto__' }),
      {
        code: 'unknown-kind',
        message: `kind must be one of ${Object.keys(frameworkToLeader).join(', ')}, got __proto__`,
        call: 'c1',
      },
    ],
    [
      'a body of the wrong shape',
      encode({ ...kill, body: { taskId: 5 } }),
      { code: 'malformed', message: 'kill: /taskId: must be string, got 5', call: 'c1' },
    ],
    [
      'an id that is no token',
      encode({ ...kill, body: { taskId: '../etc' } }),
      {
        code: 'malformed',
        message: 'kill: /taskId: must match pattern "^[A-Za-z0-9_-][A-Za-z0-9._-]*$", got "../etc"',
        call: 'c1',
      },
    ],
  ]
  for (const [name, bytes, refused] of wrong) {
    it(`refuses ${name}`, () => expect(refusal(bytes)).to.deep.equal(refused))
  }

  it('reads a beacon of any version: also peers that are older or newer than the leader know that it leads', () => {
    const beacon = { ...kill, kind: 'beacon', body: { masterId: 'm1', httpUrl: '' } }
    const decodeBeacon = decoder(leaderToEveryone)
    expect([1, 2, 3, 9].map(v => decodeBeacon(encode({ ...beacon, v })).ok)).to.deep.equal(
      Array(4).fill(true),
    )
  })

  it('refuses nesting of any depth, and keeps working', () => {
    for (const depth of [100, 1_000, 2_000, 3_000, 4_000, 5_000, 100_000]) {
      const bytes = new Uint8Array(depth).fill(0x91)
      bytes[depth - 1] = 0x01
      expect(refusal(bytes).code).to.equal('malformed')
    }
    expect(decode(encode(kill)).ok).to.equal(true)
  })

  it('refuses any other bytes, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(refusal(bytes).code).to.equal('malformed')
      }),
    )
  })

  it('never throws for a good message of which some bytes are changed', () => {
    const good = encode(kill)
    const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), {
      maxLength: 4,
    })
    fc.assert(
      fc.property(changes, list => {
        const bytes = good.slice()
        for (const [index, byte] of list) bytes[index] = byte
        expect(decode(bytes).ok).to.be.a('boolean')
      }),
      { numRuns: 500 },
    )
  })

  it('never throws for any value that is msgpack', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: false }), value => {
        const asBody = decode(encode({ ...kill, body: value }))
        const asWhole = decode(encode(value as Envelope))
        expect([asBody.ok, asWhole.ok]).to.deep.equal([false, false])
      }),
    )
  })

  it('is not changed by what it has read', () => {
    // msgpackr's own extension: a record that gives the number 0x40 a new meaning.
    expect(refusal(Uint8Array.of(0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x05)).code).to.equal('malformed')
    expect(unpack(Uint8Array.of(0x92, 0x40, 0x41))).to.deep.equal([0x40, 0x41])
  })
})

describe('warming up', () => {
  it('compiles what a decoder reads before the first message comes', () => {
    const decodeAgain = decoder(frameworkToLeader)
    warmUp(decodeAgain, frameworkToLeader)
    expect(decodeAgain(encode(kill))).to.deep.equal({ ok: true, message: kill })
  })
})
