import { expect } from 'chai'
import type Dockerode from 'dockerode'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, it } from 'mocha'
import { silentLog } from '@tender/sdk/runtime'
import { LogCopy } from '../../../../agent/containerizer/docker/log-copy.js'
import { watchContainer } from '../../../../agent/containerizer/docker/watch.js'

describe('watching a docker container', () => {
  it('has all output when the engine ends the followed log too early', async () => {
    const sandbox = await mkdtemp(join(tmpdir(), 'tender-watch-'))
    const ending = await watchContainer({
      container: endedContainer({ followed: frame('1\n2\n'), whole: frame('1\n2\n3\n') }),
      sandbox,
      output: LogCopy.empty(sandbox),
      log: silentLog,
      onTrouble: () => expect.fail('there is no trouble'),
      signal: new AbortController().signal,
    })
    expect([ending, await readFile(join(sandbox, 'stdout'), 'utf8')]).to.deep.equal([
      { exitCode: 0, outOfMemory: false },
      '1\n2\n3\n',
    ])
    await rm(sandbox, { recursive: true })
  })
})

/** A frame of standard output in the engine's log stream. */
function frame(text: string): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt8(1, 0)
  header.writeUInt32BE(text.length, 4)
  return Buffer.concat([header, Buffer.from(text)])
}

function endedContainer(logs: { readonly followed: Buffer; readonly whole: Buffer }): Dockerode.Container {
  const answers = [
    { path: /\/wait/, body: Buffer.from('{"StatusCode":0}') },
    { path: /\/logs/, body: logs.whole },
  ]
  const dial = ({ path }: { path: string }, done: (error: Error | null, answer?: Readable) => void): void => {
    const answer = answers.find(each => each.path.test(path))
    done(answer ? null : new Error(`not expected: ${path}`), answer && Readable.from([answer.body]))
  }
  const state = { Running: false, ExitCode: 0, OOMKilled: false, Error: '' }
  return {
    id: 'c1',
    modem: { dial },
    logs: () => Promise.resolve(Readable.from([logs.followed])),
    inspect: () => Promise.resolve({ State: state }),
  } as unknown as Dockerode.Container
}
