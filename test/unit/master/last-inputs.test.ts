import { ProtocolError } from '@tender/sdk/protocol'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LastInputs } from '../../../master/last-inputs.js'

describe('the last inputs before a bug', () => {
  it('are the last 200, for this user only', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tender-test-'))
    try {
      const inputs = new LastInputs()
      for (let now = 1; now <= 1_000; now++) inputs.add({ kind: 'tick', now })
      const error = new ProtocolError('malformed', 'no map')
      inputs.offered({ now: 1_000, mostAgents: 10 })
      inputs.add({ kind: 'bad-message', peer: { kind: 'agent', id: 'a1' }, error, now: 1_001 })
      const path = inputs.write(dir, 'bug', new RangeError('too much'))
      const written = JSON.parse(await readFile(path, 'utf8'))
      expect(written.error).to.match(/^RangeError: too much/)
      expect(written.inputs).to.have.length(200)
      expect(written.inputs[0]).to.deep.equal({ kind: 'tick', now: 802 })
      expect(written.inputs.at(-2)).to.deep.equal({
        kind: 'tick',
        now: 1_000,
        offerings: [{ now: 1_000, mostAgents: 10 }],
      })
      expect(written.inputs.at(-1)).to.deep.include({ now: 1_001, error: 'ProtocolError: no map' })
      expect((await stat(path)).mode & 0o777).to.equal(0o600)
    } finally {
      await rm(dir, { recursive: true })
    }
  })
})
