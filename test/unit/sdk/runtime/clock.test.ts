import { expect } from 'chai'
import { describe, it } from 'mocha'
import { steadyTime } from '@tender/sdk/runtime'

describe("the system's clock", () => {
  it('follows the host, goes on slower while the host is behind, and follows again', () => {
    const host = { wallMs: 1_000_000, passedMs: 0 }
    const now = steadyTime(
      () => host.wallMs,
      () => host.passedMs,
    )
    const pass = (ms: number, setByMs = 0) => {
      host.wallMs += ms + setByMs
      host.passedMs += ms
      return now()
    }
    const seen = [pass(1_000), pass(1_000, -500), pass(1_000), pass(4_000), pass(1_000), pass(1_000, 60_000)]
    expect(seen).to.deep.equal([1_001_000, 1_001_900, 1_002_800, 1_006_500, 1_007_500, 1_068_500])
  })
})
