import { expect } from 'chai'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'mocha'
import { CompositeContainerizer } from '../../../../agent/containerizer/composite-containerizer.js'
import {
  type AdoptableTask,
  type Containerizer,
  type ContainerSpec,
  ContainerStartError,
  type StartedContainer,
  type TaskKey,
} from '../../../../agent/containerizer/containerizer.js'

class Recording implements Containerizer {
  readonly kind: 'docker' | 'process'
  readonly calls: string[]
  constructor(kind: 'docker' | 'process', calls: string[]) {
    this.kind = kind
    this.calls = calls
  }
  async start({ frameworkId, taskId }: ContainerSpec): Promise<StartedContainer> {
    this.calls.push(`${this.kind} start ${taskId}`)
    return { frameworkId, taskId, handle: { kind: 'docker', containerId: 'c' } }
  }
  async stop({ taskId }: TaskKey): Promise<void> {
    this.calls.push(`${this.kind} stop ${taskId}`)
  }
  async adopt(tasks: readonly AdoptableTask[]): Promise<StartedContainer[]> {
    this.calls.push(`${this.kind} adopt ${tasks.map(({ taskId }) => taskId).join()}`)
    return []
  }
  async orphans(known: readonly TaskKey[]): Promise<TaskKey[]> {
    this.calls.push(`${this.kind} orphans ${known.map(({ taskId }) => taskId).join()}`)
    return [{ frameworkId: 'f', taskId: `of-${this.kind}` }]
  }
  async removeOrphan({ taskId }: TaskKey): Promise<void> {
    this.calls.push(`${this.kind} remove orphan ${taskId}`)
  }
  async remove({ taskId }: TaskKey): Promise<void> {
    this.calls.push(`${this.kind} remove ${taskId}`)
  }
  async close(): Promise<void> {
    this.calls.push(`${this.kind} close`)
  }
}

function task(taskId: string, image?: string): ContainerSpec {
  return {
    frameworkId: 'f',
    taskId,
    ...(image === undefined ? {} : { image }),
    command: ['serve'],
    env: {},
    forcePull: false,
    network: 'none',
    portMappings: [],
    cpuMillis: 0,
    memMb: 0,
    labels: {},
    sandbox: '/sandbox',
  }
}

describe('an agent with docker and processes', () => {
  let root: string

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'tender-composite-'))
  })

  after(() => rm(root, { recursive: true }))

  it('gives a task with an image to docker, one without to the other, and so all that follows', async () => {
    const calls: string[] = []
    const both = new CompositeContainerizer({
      docker: new Recording('docker', calls),
      process: new Recording('process', calls),
    })
    await both.start(task('d', 'image'))
    await both.start(task('p'))
    await both.stop(task('d'), 0)
    await both.remove(task('p'))
    await both.stop(task('p'), 0)
    await both.stop(task('unknown'), 0)
    expect(calls).to.deep.equal(['docker start d', 'process start p', 'docker stop d', 'process remove p'])
  })

  it('finds out where a task without a handle was being started', async () => {
    const calls: string[] = []
    const both = new CompositeContainerizer({
      docker: new Recording('docker', calls),
      process: new Recording('process', calls),
    })
    await mkdir(join(root, 'p~run'))
    await both.adopt(['d', 'p'].map(taskId => ({ frameworkId: 'f', taskId, sandbox: join(root, taskId) })))
    expect(calls).to.deep.equal(['docker adopt d', 'process adopt p'])
  })

  it('asks both for orphans, and has both remove one', async () => {
    const calls: string[] = []
    const both = new CompositeContainerizer({
      docker: new Recording('docker', calls),
      process: new Recording('process', calls),
    })
    expect(await both.orphans([task('known')])).to.deep.equal([
      { frameworkId: 'f', taskId: 'of-docker' },
      { frameworkId: 'f', taskId: 'of-process' },
    ])
    await both.removeOrphan(task('o'), 0)
    expect(calls).to.deep.equal([
      'docker orphans known',
      'process orphans known',
      'docker remove orphan o',
      'process remove orphan o',
    ])
  })

  it('says which of the two it lacks', async () => {
    const none = new CompositeContainerizer({})
    const refusals = await Promise.all(
      [task('d', 'server:1'), task('p')].map(spec => none.start(spec).catch((error: unknown) => error)),
    )
    expect(
      refusals.map(error => (error instanceof ContainerStartError ? error.message : error)),
    ).to.deep.equal([
      'task d needs image server:1, and this agent has no docker engine',
      'task p names no image, and this agent runs no plain processes',
    ])
  })

  it('does not take tasks of a docker engine that is away for ended', async () => {
    const processOnly = new CompositeContainerizer({ process: new Recording('process', []) })
    const lost = {
      frameworkId: 'f',
      taskId: 'd',
      sandbox: '/s',
      handle: { kind: 'docker', containerId: 'c' },
    } as const
    const error = await processOnly.adopt([lost]).catch((cause: Error) => cause)
    expect(error).to.have.property('message', 'tasks d run in docker, which is not available')
  })
})
