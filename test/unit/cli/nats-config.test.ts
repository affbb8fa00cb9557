import { expect } from 'chai'
import { natsConfig } from '../../../cli/dev/nats/config.js'
import { isAtLeast, parseVersion } from '../../../cli/dev/nats/source.js'

describe('the configuration of a nats-server', () => {
  const options = {
    name: 'tender-nats-1',
    host: '127.0.0.1',
    port: 0,
    storeDir: '/data/with "quotes"',
    portsFileDir: '/ports',
    version: { major: 2, minor: 9, patch: 10 },
  }

  it('has JetStream, any free port, and nothing that 2.9 does not know', () => {
    expect(natsConfig(options)).to.equal(
      [
        'server_name: "tender-nats-1"',
        'listen: "127.0.0.1:-1"',
        'ports_file_dir: "/ports"',
        'jetstream {',
        '  store_dir: "/data/with \\"quotes\\""',
        '}',
        '',
      ].join('\n'),
    )
  })

  it('has every write on disk before it is acknowledged, where the server can do so', () => {
    const config = natsConfig({ ...options, port: 4222, version: { major: 2, minor: 10, patch: 0 } })
    expect(config).to.contain('sync_interval: always')
    expect(config).to.contain('listen: "127.0.0.1:4222"')
  })

  it('compares versions by number, not by letter', () => {
    expect(parseVersion('nats-server: v2.10.29')).to.deep.equal({ major: 2, minor: 10, patch: 29 })
    expect(parseVersion('no version')).to.equal(undefined)
    expect(isAtLeast({ major: 2, minor: 10, patch: 0 }, { major: 2, minor: 9, patch: 99 })).to.equal(true)
    expect(isAtLeast({ major: 2, minor: 9, patch: 8 }, { major: 2, minor: 9, patch: 10 })).to.equal(false)
  })
})
