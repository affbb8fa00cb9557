import { expect } from 'chai'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { silentLog } from '@tender/sdk/runtime'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type {
  ContainerSpec,
  ContainerStartError,
  StartedContainer,
} from '../../../agent/containerizer/containerizer.js'
import {
  controlDirectoryOf,
  readControlFacts,
} from '../../../agent/containerizer/process/control-directory.js'
import { currentBootId, startTimeOf } from '../../../agent/containerizer/process/identity.js'
import { ProcessContainerizer } from '../../../agent/containerizer/process/process-containerizer.js'
import { adoptable, freePort, makeProcessRig, output, until, untilOutput } from './rig.js'

const agentProcess = fileURLToPath(new URL('./agent-process.js', import.meta.url))

describe('process containerizer, with processes', () => {
  let rig: Awaited<ReturnType<typeof makeProcessRig>>

  beforeEach(async () => {
    rig = await makeProcessRig()
  })

  afterEach(() => rig.cleanUp())

  async function refusal(spec: ContainerSpec): Promise<ContainerStartError> {
    return rig.containerizer.start(spec).then(
      () => expect.fail('it started'),
      (error: ContainerStartError) => error,
    )
  }

  it('runs in the sandbox, in a session of its own', async () => {
    const spec = await rig.spec(['sh', '-c', 'pwd; echo ready; exec sleep 1000'])
    const pid = pidOf(await rig.containerizer.start(spec))
    await untilOutput(spec, 'ready')
    expect(await output(spec)).to.equal(`${spec.sandbox}\nready\n`)
    const session = (await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')[1]?.split(' ')[3]
    expect(session).to.equal(String(pid))
  })

  it('survives a kill -9 of its agent, which then learns how it ended', async () => {
    const spec = await rig.spec(['sh', '-c', 'echo ready; while [ ! -e go ]; do sleep 0.02; done; exit 9'])
    const agent = spawn(process.execPath, [agentProcess], { stdio: ['pipe', 'pipe', 'inherit'] })
    agent.stdin.end(JSON.stringify(spec))
    const started: StartedContainer = JSON.parse(await firstLine(agent))
    agent.kill('SIGKILL')
    await once(agent, 'exit')
    await untilOutput(spec, 'ready')

    expect(await rig.containerizer.adopt([adoptable(spec, started.handle)])).to.deep.equal([started])
    await writeFile(join(spec.sandbox, 'go'), '')
    expect((await rig.told.exitOf(spec)).exitCode).to.equal(9)
  })

  it('leaves its supervisor alone when its whole process group is killed', async () => {
    const spec = await rig.spec(['sleep', '1000'])
    const pid = pidOf(await rig.containerizer.start(spec))
    process.kill(-pid, 'SIGINT')
    expect((await rig.told.exitOf(spec)).exitCode).to.equal(130)
  })

  it('tells no exit code when the supervisor was killed, and not before the task has ended', async () => {
    const spec = await rig.spec([
      'sh',
      '-c',
      '(sleep 1000 &); echo ready; while [ ! -e go ]; do sleep 0.02; done',
    ])
    await rig.containerizer.start(spec)
    await untilOutput(spec, 'ready')
    const supervisor = await supervisorOf(spec)
    process.kill(supervisor, 'SIGKILL')
    await until(async () => (await startTimeOf(supervisor)) === undefined)
    expect(rig.told.exits).to.deep.equal([])
    await writeFile(join(spec.sandbox, 'go'), '')
    const exit = await rig.told.exitOf(spec)
    expect(exit).not.to.have.property('exitCode')
    expect(exit.message).to.contain('supervisor')
    expect(await rig.leftovers()).to.deep.equal([])
  })

  it('is not mistaken for a later process with the same pid', async () => {
    const spec = await rig.spec(['sleep', '1000'])
    const stranger = spawn('sleep', ['1000'])
    const bootId = await currentBootId()
    const identity = `${stranger.pid} ${bootId} 1\n`
    await mkdir(join(controlDirectoryOf(spec.sandbox), 'claimed'), { recursive: true })
    await writeFile(join(controlDirectoryOf(spec.sandbox), 'supervisor'), identity)
    await writeFile(join(controlDirectoryOf(spec.sandbox), 'task'), identity)
    const handle = { kind: 'process', pid: stranger.pid ?? 0, startTime: '1', bootId } as const

    expect(await rig.containerizer.adopt([adoptable(spec, handle)])).to.deep.equal([])
    await rig.containerizer.stop(spec, 0)
    expect(await rig.told.exitOf(spec)).not.to.have.property('exitCode')
    expect(await startTimeOf(stranger.pid ?? 0)).to.be.a('string')
    stranger.kill('SIGKILL')
  })

  it('also ends what has made a process group of its own', async () => {
    const script = 'use POSIX; if (!fork) { setpgid(0, 0); exec "sleep", "1000" } sleep 0.1; exit 0'
    const spec = await rig.spec(['perl', '-e', script])
    await rig.containerizer.start(spec)
    await rig.told.exitOf(spec)
    expect(await rig.leftovers()).to.deep.equal([])
  })

  it('settles with a supervisor that was about to start that it never will', async () => {
    const spec = await rig.spec(['sleep', '1000'])
    await mkdir(controlDirectoryOf(spec.sandbox))
    expect(await rig.containerizer.adopt([adoptable(spec)])).to.deep.equal([])
    expect(rig.told.exits.map(exit => exit.message)).to.deep.equal(['was never started'])
  })

  it('takes a sandbox in which an earlier start came to nothing', async () => {
    const spec = await rig.spec(['true'])
    await mkdir(controlDirectoryOf(spec.sandbox))
    await rig.containerizer.start(spec)
    expect((await rig.told.exitOf(spec)).exitCode).to.equal(0)
  })

  it('has no say in the PATH, nor the variables, of its supervisor', async () => {
    const names = ['t', 'control', 'boot', 'line', 'pid', 'file', 'code', 'session', 'IFS']
    const env = { PATH: '/nowhere', ...Object.fromEntries(names.map(name => [name, `my ${name}`])) }
    const spec = await rig.spec(['/bin/busybox', 'env'], { env })
    await rig.containerizer.start(spec)
    expect((await rig.told.exitOf(spec)).exitCode).to.equal(0)
    const lines = (await output(spec)).split('\n')
    expect(lines).to.include.members([
      'PATH=/nowhere',
      ...names.slice(0, -1).map(name => `${name}=my ${name}`),
    ])
  })

  it('is looked for on its own PATH, which the refusal names', async () => {
    const error = await refusal(await rig.spec(['sleep', '1'], { env: { PATH: '/nowhere:/else' } }))
    expect(error.reason).to.equal('command-not-found')
    expect(error.message).to.equal('command "sleep" is not on PATH /nowhere:/else')
  })

  it('may be a file of its sandbox, if that can be executed', async () => {
    const spec = await rig.spec(['./run'])
    await writeFile(join(spec.sandbox, 'run'), '#!/bin/sh\nexit 4\n')
    expect((await refusal(spec)).reason).to.equal('command-not-found')
    await writeFile(join(spec.sandbox, 'run2'), '#!/bin/sh\nexit 4\n', { mode: 0o755 })
    await rig.containerizer.start({ ...spec, command: ['./run2'] })
    expect((await rig.told.exitOf(spec)).exitCode).to.equal(4)
  })

  it('has no image', async () => {
    const error = await refusal(await rig.spec(['true'], { image: 'nginx:1' }))
    expect(error.reason).to.equal('start-failed')
    expect(error.message).to.contain('nginx:1')
  })

  it('may have a host port that is free', async () => {
    const portMappings = [
      { containerPort: 1, hostPort: await freePort(), protocol: 'tcp' },
      { containerPort: 1, hostPort: await freePort(), protocol: 'udp' },
    ] as const
    const spec = await rig.spec(['true'], { portMappings })
    await rig.containerizer.start(spec)
    expect((await rig.told.exitOf(spec)).exitCode).to.equal(0)
  })

  it('runs under perl where there is no setsid, as on macOS', async () => {
    const bin = await mkdtemp(join(tmpdir(), 'tender-bin-'))
    for (const name of ['mkdir', 'mv', 'ps', 'perl', 'sleep'])
      await symlink(`/usr/bin/${name}`, join(bin, name))
    const { told } = rig
    const containerizer = new ProcessContainerizer({
      log: silentLog,
      events: told,
      sandboxes: rig.sandboxes,
      environment: { PATH: bin },
    })
    const spec = await rig.spec(['sleep', '1000'])
    await containerizer.start(spec)
    await containerizer.stop(spec, 1_000)
    expect((await told.exitOf(spec)).exitCode).to.equal(143)
    await rm(bin, { recursive: true })
  })
})

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no output')
  for await (const line of createInterface({ input: child.stdout })) return line
  throw new Error('it ended without a word')
}

async function supervisorOf(spec: ContainerSpec): Promise<number> {
  const { supervisor } = await readControlFacts(controlDirectoryOf(spec.sandbox))
  return supervisor?.pid ?? expect.fail('no supervisor')
}

function pidOf({ handle }: StartedContainer): number {
  return handle.kind === 'process' ? handle.pid : expect.fail('not a process')
}
