import {
  connectNats,
  NatsTransport,
  NatsUnavailableError,
  silentLog,
  type Transport,
  type TransportStatus,
} from '@tender/sdk/runtime'
import { spawn } from 'node:child_process'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { freePort } from '../../cli/dev/free-port.js'
import { until as eventual } from '../../cli/dev/until.js'
import { behavesLikeATransport } from '../support/behaves-like-a-transport.js'
import { natsBinary, useNats } from '../support/nats.js'

describe('the NATS transport', () => {
  const nats = useNats()
  const open: Transport[] = []

  const connect = async () => {
    const transport = new NatsTransport(await connectNats(nats().url, 'test'), silentLog)
    open.push(transport)
    return transport
  }

  afterEach(() => Promise.all(open.splice(0).map(transport => transport.close())))

  behavesLikeATransport(connect)

  it('refuses a message that is larger than the server takes, and goes on', async () => {
    const transport = await connect()
    expect(() => transport.publish('a', new Uint8Array(1_048_577))).to.throw(
      RangeError,
      'a message may have 1048576 bytes at most, got 1048577',
    )
    expect(transport.status).to.equal('connected')
  })

  it('loses what is said while the server is away, says so, and goes on with its subscriptions', async () => {
    const [here, there] = [await connect(), await connect()]
    const heard: string[] = []
    there.subscribe('a', bytes => heard.push(bytes.join()))
    const [hereIs, thereIs] = [watch(here), watch(there)]
    await nats().kill()
    await Promise.all([hereIs('disconnected'), thereIs('disconnected')])
    here.publish('a', Uint8Array.of(1))
    await nats().start()
    await Promise.all([hereIs('connected'), thereIs('connected')])
    await until(() => {
      here.publish('a', Uint8Array.of(2))
      return heard.length > 0
    })
    expect(new Set(heard)).to.deep.equal(new Set(['2']))
  })

  it('tells in one sentence that there is no server, and keeps the password to itself', async () => {
    const error = await connectNats('nats://user:hunter2@127.0.0.1:1', 'test').then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).to.be.instanceOf(NatsUnavailableError)
    expect(String(error)).to.contain('no NATS server answers at nats://[hidden]@127.0.0.1:1; start one')
  })

  it('gives a server that asks for them the user and password of its URL', async () => {
    const source = await natsBinary()
    const port = await freePort(0)
    const program = source.kind === 'binary' ? source.path : ''
    const server = spawn(program, ['-a', '127.0.0.1', '-p', String(port), '--user', 'al', '--pass', 'p@ss'])
    try {
      await eventual('the server', 5_000, async () => await tryConnect(`nats://al:p%40ss@127.0.0.1:${port}`))
      const refused = await connectNats(`nats://al:wrong@127.0.0.1:${port}`, 'test').catch(
        (error: unknown) => error,
      )
      expect(refused).to.be.instanceOf(NatsUnavailableError)
    } finally {
      server.kill()
    }
  })
})

async function tryConnect(url: string): Promise<true> {
  const connection = await connectNats(url, 'test')
  await connection.close()
  return true
}

/** Waits until a transport is so. */
function watch(transport: Transport): (wanted: TransportStatus) => Promise<void> {
  const seen: TransportStatus[] = []
  transport.onStatus(status => seen.push(status))
  return wanted => until(() => seen.includes(wanted))
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 10))
}
