import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, it } from 'mocha'
import { type ContainerSpec, ContainerStartError } from '../../../../agent/containerizer/containerizer.js'
import { engineAddress } from '../../../../agent/containerizer/docker/engine.js'
import { pullError } from '../../../../agent/containerizer/docker/image.js'
import { LogFrames } from '../../../../agent/containerizer/docker/log-frames.js'
import { candidates } from '../../../../agent/containerizer/docker/program.js'
import { startError } from '../../../../agent/containerizer/docker/start-errors.js'

function engineSays(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) - ${message}`), { statusCode, json: { message } })
}

describe('the address of an engine', () => {
  it('is understood in the forms of DOCKER_HOST', () => {
    expect(engineAddress({ host: 'unix:///run/d.sock' })).to.deep.equal({
      host: undefined,
      socketPath: '/run/d.sock',
    })
    expect(engineAddress({ host: 'tcp://h:2375' })).to.deep.equal({
      protocol: 'http',
      host: 'h',
      port: '2375',
    })
    expect(engineAddress({ host: 'tcp://h:2376' })).to.deep.include({ protocol: 'https' })
    expect(engineAddress({ host: 'h' })).to.deep.equal({ protocol: 'http', host: 'h', port: 2375 })
    expect(engineAddress({ host: 'ssh://me@h' })).to.deep.include({
      protocol: 'ssh',
      host: 'h',
      username: 'me',
    })
    expect(engineAddress({ host: '' })).to.deep.equal({})
  })

  it("is not overruled by the agent's environment when a socket is named", () => {
    expect(engineAddress({ socketPath: '/s' })).to.have.property('host', undefined)
  })
})

describe('dockerode, as we load it', () => {
  it('comes without what only BuildKit and ssh need', async () => {
    const engine = new URL('../../../../agent/containerizer/docker/engine.js', import.meta.url)
    const script = `
      await import(${JSON.stringify(engine.href)})
      const { createRequire } = await import('node:module')
      console.log(Object.keys(createRequire(${JSON.stringify(engine.href)}).cache).join('\\n'))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
    expect(stdout).to.contain('/dockerode/lib/docker.js')
    expect(stdout).not.to.match(/node_modules\/(@grpc\/grpc-js|protobufjs|ssh2)\//)
  })
})

describe('why the engine started no container', () => {
  const spec: ContainerSpec = {
    frameworkId: 'f',
    taskId: 't',
    image: 'server:1',
    command: ['serve'],
    env: {},
    forcePull: false,
    network: 'bridge',
    portMappings: [{ containerPort: 80, hostPort: 31_000, protocol: 'tcp' }],
    cpuMillis: 0,
    memMb: 0,
    labels: {},
    sandbox: '/sandbox',
  }

  const cases = [
    [500, 'Bind for 0.0.0.0:31005 failed: port is already allocated', 'port-taken', '31005'],
    [500, 'listen tcp4 0.0.0.0:31006: bind: address already in use', 'port-taken', '31006'],
    [500, 'port is already allocated', 'port-taken', '31000'],
    [400, 'exec: "serve": executable file not found in $PATH: unknown', 'command-not-found', '"serve"'],
    [400, 'exec: "/x/y": stat /x/y: no such file or directory', 'command-not-found', '"/x/y"'],
    [404, 'No such image: server:1', 'image-not-found', 'server:1'],
    [400, 'No command specified', 'start-failed', 'No command specified'],
  ] as const
  for (const [status, message, reason, named] of cases) {
    it(`"${message}" is ${reason}`, () => {
      const error = startError(spec, engineSays(status, message))
      expect(error.reason).to.equal(reason)
      expect(error.message).to.contain(named)
      expect(error.cause).to.be.an('error')
    })
  }

  it('is told as it is when it was found out before', () => {
    const stopped = new ContainerStartError('stopped', 'stopped')
    expect(startError(spec, stopped)).to.equal(stopped)
  })

  it('may be that there is no engine', () => {
    expect(startError(spec, new Error('connect ECONNREFUSED')).message).to.contain(
      'did not answer: connect ECONNREFUSED',
    )
  })
})

describe('why an image could not be pulled', () => {
  const cases = [
    [404, 'manifest for a:1 not found: manifest unknown', 'image-not-found'],
    [404, 'pull access denied for a, repository does not exist', 'image-not-found'],
    [500, 'Get "https://r/v2/": dial tcp: lookup r: no such host', 'image-pull-failed'],
    [500, 'Get "https://r/v2/": net/http: TLS handshake timeout', 'image-pull-failed'],
    [500, 'no space left on device', 'image-pull-failed'],
  ] as const
  for (const [status, message, reason] of cases) {
    it(`"${message}" is ${reason}`, () => {
      const error = pullError('a:1', engineSays(status, message))
      expect(error.reason).to.equal(reason)
      expect(error.message).to.contain('a:1').and.to.contain(message)
    })
  }
})

describe("a container's log", () => {
  it('is taken apart the same wherever the stream is cut', () => {
    const stream = Buffer.concat([frame(1, 'one'), frame(2, 'oops'), frame(1, ''), frame(1, 'two')])
    for (let cut = 1; cut <= stream.length; cut += 1) {
      const frames = new LogFrames()
      const text = { stdout: '', stderr: '' }
      for (let start = 0; start < stream.length; start += cut) {
        for (const { name, bytes } of frames.push(stream.subarray(start, start + cut)))
          text[name] += bytes.toString()
      }
      expect(text).to.deep.equal({ stdout: 'onetwo', stderr: 'oops' })
    }
  })
})

describe("where a container's program may be", () => {
  it('is on its PATH, for a bare name', () => {
    expect(places('serve', { Env: ['A=1', 'PATH=/opt/bin:/bin'] })).to.deep.equal([
      '/opt/bin/serve',
      '/bin/serve',
    ])
    expect(places('serve', {})).to.include('/usr/local/bin/serve')
  })

  it('is in its working directory, for a path', () => {
    expect(places('./serve', { WorkingDir: '/app' })).to.deep.equal(['/app/serve'])
    expect(places('/serve', {})).to.deep.equal(['/serve'])
  })
})

function frame(stream: 1 | 2, content: string): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt8(stream, 0)
  header.writeUInt32BE(Buffer.byteLength(content), 4)
  return Buffer.concat([header, Buffer.from(content)])
}

function places(program: string, config: { Env?: string[]; WorkingDir?: string }): string[] {
  return candidates({ Path: program, Config: config })
}
