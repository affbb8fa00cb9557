import { findCluster, readClusterFile } from '@tender/sdk'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const defaults = {
  cluster: 'default',
  nats: 'nats://127.0.0.1:4222',
  master: 'http://127.0.0.1:5050',
  service: 'http://127.0.0.1:8080',
}
const file = {
  cluster: 'dev',
  nats: 'nats://127.0.0.1:1',
  master: 'http://127.0.0.1:2',
  service: 'http://127.0.0.1:3',
  containerizer: 'process',
  pids: { nats: 1 },
}
const { containerizer: _containerizer, pids: _pids, ...addresses } = file

describe('finding the cluster', () => {
  let dir: string

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tender-cluster-file-'))
    mkdirSync(join(dir, 'inner', 'most'), { recursive: true })
  })

  afterEach(() => rmSync(dir, { recursive: true }))

  function write(place: string, text: string): void {
    mkdirSync(join(dir, place, '.tender'), { recursive: true })
    writeFileSync(join(dir, place, '.tender', 'cluster.json'), text)
  }

  it('is by the default ports when nothing is told', () => {
    expect(findCluster({}, dir)).to.deep.equal(defaults)
    expect(readClusterFile(dir)).to.equal(undefined)
  })

  it('is by the file of the cluster that runs here', () => {
    write('.', JSON.stringify(file))
    expect(findCluster({}, dir)).to.deep.equal(addresses)
    expect(readClusterFile(dir)).to.deep.equal(file)
  })

  it('is by the nearest file above', () => {
    write('.', JSON.stringify({ ...file, cluster: 'outer' }))
    write('inner', JSON.stringify(file))
    expect(findCluster({}, join(dir, 'inner', 'most')).cluster).to.equal('dev')
  })

  it('is by the environment first, each address by itself', () => {
    write('.', JSON.stringify(file))
    expect(findCluster({ TENDER_NATS: 'nats://other', TENDER_CLUSTER: 'prod' }, dir)).to.deep.equal({
      ...addresses,
      nats: 'nats://other',
      cluster: 'prod',
    })
    expect(
      findCluster({ TENDER_MASTER: 'http://m', TENDER_SERVICE: 'http://s' }, join(tmpdir())),
    ).to.deep.equal({
      ...defaults,
      master: 'http://m',
      service: 'http://s',
    })
  })

  it('passes over a variable that is set to nothing', () => {
    expect(findCluster({ TENDER_NATS: '' }, dir)).to.deep.equal(defaults)
  })

  it('passes over a file that is cut off', () => {
    write('.', JSON.stringify(file).slice(0, 20))
    expect(findCluster({}, dir)).to.deep.equal(defaults)
  })
})
