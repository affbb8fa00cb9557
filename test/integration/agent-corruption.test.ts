import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Log, LogFields } from '@tender/sdk/runtime'
import { silentLog } from '@tender/sdk/runtime'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { Checkpoint } from '../../agent/checkpoint/checkpoint.js'
import { type AgentTaskState, newTask, report } from '../../agent/core/task.js'
import { LedAgent } from '../support/led-agent.js'
import { useNats } from '../support/nats.js'

const madeId = 'made-now'

/** All that a checkpoint holds; each file is one key of it, but for the agent's id, which has two. */
interface Loaded {
  readonly agentId: string
  readonly resources: unknown
  readonly startedWith: unknown
  /** By `framework/task`. */
  readonly tasks: Readonly<Record<string, AgentTaskState>>
}

/** What the log has called damaged, by the name of the file. */
class DamageLog implements Partial<Log> {
  readonly named: string[] = []
  error(message: string, { file }: LogFields = {}): void {
    if (message.startsWith('a checkpoint file cannot be read')) this.named.push(basename(String(file)))
  }
}

async function load(workDir: string): Promise<[Loaded, string[]]> {
  const damage = new DamageLog()
  const checkpoint = new Checkpoint(
    workDir,
    Object.assign(Object.create(silentLog) as Log, {
      error: damage.error.bind(damage),
    }),
  )
  const agentId = await checkpoint.agentId(() => madeId)
  const tasks = await checkpoint.tasks()
  const loaded = {
    agentId,
    resources: await checkpoint.resources(),
    startedWith: await checkpoint.startedWith(),
    tasks: Object.fromEntries(tasks.map(task => [`${task.frameworkId}/${task.info.taskId}`, task])),
  }
  return [loaded, damage.named]
}

function taskOf(frameworkId: string, taskId: string, updates: number): AgentTaskState {
  const info = {
    taskId,
    resources: { cpus: 0.5, ports: [[31_000, 31_001] as [number, number]] },
    shell: 'sleep 1',
  }
  const task = newTask({ frameworkId, role: 'web', info, launchedAtMs: 5, frameworkSince: 3 })
  for (let index = 0; index < updates; index++)
    report(task, { state: 'RUNNING', message: `nr. ${index} ü` }, index)
  return task
}

/** The checkpoint of an agent with tasks, unacknowledged updates and reservations. */
async function makeCheckpoint(workDir: string): Promise<void> {
  const checkpoint = new Checkpoint(workDir, silentLog)
  await checkpoint.agentId(() => 'a1')
  checkpoint.writeStartedWith({ resources: { cpus: 4 }, detected: ['mem'], attributes: { rack: 'r1' } })
  const resources = { cpus: 3, 'cpus(web,dynamic)': 1 }
  checkpoint.writeResources({ revision: 2, resources, startedWith: { cpus: 4 } })
  for (const [framework, task, updates] of [
    ['web', 't1', 0],
    ['web', 't2', 3],
    ['batch', 't1', 1],
  ] as const)
    checkpoint.write(taskOf(framework, task, updates))
}

function filesIn(directory: string): string[] {
  return readdirSync(directory).flatMap(name => {
    const path = join(directory, name)
    return statSync(path).isDirectory() ? filesIn(path) : [path]
  })
}

/** What is to be found when one file is damaged. */
function without(whole: Loaded, path: string): Loaded {
  const [, framework = '', task = ''] = /tasks\/(.+)\/(.+)\.json$/.exec(path) ?? []
  if (framework !== '') {
    const { [`${framework}/${task}`]: _, ...tasks } = whole.tasks
    return { ...whole, tasks }
  }
  if (path.endsWith('started-with.json')) return { ...whole, startedWith: undefined }
  return path.endsWith('resources.json') ? { ...whole, resources: undefined } : whole
}

function damages(bytes: Buffer): [what: string, damaged: Buffer][] {
  const flips = Array.from({ length: Math.ceil(bytes.length / 5) }, (_, index): [string, Buffer] => {
    const at = index * 5
    const flipped = Buffer.from(bytes)
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (index % 8))
    return [`bit ${index % 8} of byte ${at} flipped`, flipped]
  })
  const lengths = Array.from({ length: 20 }, (_, index) => Math.floor((bytes.length * index) / 20))
  return [
    ...flips,
    ...lengths.map((length): [string, Buffer] => [`cut to ${length} bytes`, bytes.subarray(0, length)]),
    ['zeros', Buffer.alloc(bytes.length)],
    ['null', Buffer.from('null')],
    ['another record', Buffer.from('{"v":1,"sha256":"","record":{}}')],
  ]
}

describe("an agent's checkpoint", function () {
  this.timeout(60_000)
  let original: string
  let whole: Loaded

  before(async () => {
    original = mkdtempSync(join(tmpdir(), 'tender-corruption-'))
    await makeCheckpoint(original)
    whole = (await load(original))[0]
  })
  after(() => rmSync(original, { recursive: true }))

  /** Loads a copy that was damaged, twice: what was set aside is not found again. */
  async function damaged(damage: (workDir: string) => void): Promise<[Loaded, string[]]> {
    const workDir = mkdtempSync(join(tmpdir(), 'tender-corruption-'))
    try {
      cpSync(original, workDir, { recursive: true })
      damage(workDir)
      const found = await load(workDir)
      expect(await load(workDir), 'at the next start').to.deep.equal([found[0], []])
      return found
    } finally {
      rmSync(workDir, { recursive: true })
    }
  }

  it('holds all that was written', async () => {
    expect(Object.keys(whole.tasks)).to.deep.equal(['batch/t1', 'web/t1', 'web/t2'])
    expect(whole.tasks['web/t2']?.updates).to.have.length(3)
    expect(
      filesIn(original).map(path => path.slice(original.length + '/checkpoint/'.length)),
    ).to.have.members([
      'agent.json',
      'agent-copy.json',
      'resources.json',
      'started-with.json',
      'tasks/batch/t1.json',
      'tasks/web/t1.json',
      'tasks/web/t2.json',
    ])
  })

  it('loses one file by its damage, which is named, and nothing else: bits flipped, cut, replaced', async () => {
    let count = 0
    for (const path of filesIn(original)) {
      for (const [what, bytes] of damages(readFileSync(path))) {
        const relative = path.slice(original.length)
        const [loaded, named] = await damaged(workDir => writeFileSync(join(workDir, relative), bytes))
        expect([loaded, named], `${relative}: ${what}`).to.deep.equal([
          without(whole, path),
          [basename(path)],
        ])
        count += 1
      }
    }
    expect(count).to.be.above(500)
  })

  it('loses one file when it has vanished, or a directory is in its place', async () => {
    for (const path of filesIn(original)) {
      const relative = path.slice(original.length)
      const vanished = await damaged(workDir => rmSync(join(workDir, relative)))
      expect(vanished, `${relative} vanished`).to.deep.equal([without(whole, path), []])
      const replaced = await damaged(workDir => {
        rmSync(join(workDir, relative))
        mkdirSync(join(workDir, relative, 'x'), { recursive: true })
      })
      expect(replaced, `${relative} is a directory`).to.deep.equal([without(whole, path), [basename(path)]])
    }
  })

  it('takes no notice of what writes have left half done, and removes it', async () => {
    const left = ['agent.json.next', 'tasks/web/t1.json.next', 'tasks/web/t9.json.next']
    const found = await damaged(workDir => {
      for (const name of left) writeFileSync(join(workDir, 'checkpoint', name), '{"v":1')
    })
    expect(found).to.deep.equal([whole, []])
  })

  it('sets aside what is in the way of its directories', async () => {
    const tasks = await damaged(workDir => {
      rmSync(join(workDir, 'checkpoint/tasks'), { recursive: true })
      writeFileSync(join(workDir, 'checkpoint/tasks'), 'x')
    })
    expect(tasks).to.deep.equal([{ ...whole, tasks: {} }, ['tasks']])
    const framework = await damaged(workDir => {
      rmSync(join(workDir, 'checkpoint/tasks/web'), { recursive: true })
      writeFileSync(join(workDir, 'checkpoint/tasks/web'), 'x')
    })
    expect(framework).to.deep.equal([{ ...whole, tasks: { 'batch/t1': whole.tasks['batch/t1'] } }, ['web']])
  })

  it('sets aside the record of another task', async () => {
    const copied = await damaged(workDir => {
      const tasks = join(workDir, 'checkpoint/tasks')
      cpSync(join(tasks, 'web/t2.json'), join(tasks, 'web/t3.json'))
    })
    expect(copied).to.deep.equal([whole, ['t3.json']])
  })

  it('gets a new id when both files of it are damaged, and says so', async () => {
    const both = await damaged(workDir => {
      for (const name of ['agent.json', 'agent-copy.json'])
        writeFileSync(join(workDir, 'checkpoint', name), '{}')
    })
    expect(both).to.deep.equal([{ ...whole, agentId: madeId }, ['agent.json', 'agent-copy.json']])
  })
})

describe('an agent with a damaged record of a task', function () {
  this.timeout(40_000)
  const nats = useNats()

  it('runs on with the others, and names what it does not know, which ends when the leader says so', async () => {
    const agent = await LedAgent.create(nats().url)
    try {
      await agent.start('--containerizers', 'process')
      const sleeping = (taskId: string) => ({ taskId, resources: { cpus: 0.1 }, shell: 'exec sleep 1000' })
      for (const taskId of ['t1', 't2', 't3']) await agent.run(sleeping(taskId))
      await agent.kill()
      const damaged = join(agent.workDir, 'checkpoint/tasks/f/t2.json')
      writeFileSync(damaged, readFileSync(damaged, 'utf8').replace('RUNNING', 'RUNNINH'))

      const { tasks, orphans } = await agent.start('--containerizers', 'process')
      expect(tasks.map(({ taskId, state }) => `${taskId} ${state}`)).to.deep.equal([
        't1 RUNNING',
        't3 RUNNING',
      ])
      expect(orphans).to.deep.equal([{ frameworkId: 'f', taskId: 't2' }])
      expect(agent.output).to.include('its checksum is wrong').and.include('t2.json.corrupt')
      const control = join(agent.workDir, 'sandboxes/f/t2~run')
      expect(readdirSync(control)).to.include('task')

      await agent.kill()
      agent.removeOrphans = orphans ?? []
      await agent.start('--containerizers', 'process')
      await agent.until(
        'the orphan is removed',
        () => !filesIn(join(agent.workDir, 'sandboxes/f')).some(path => path.includes('t2~run')) || undefined,
      )
      agent.killTask('t1')
      agent.killTask('t3')
      await agent.reaches('t1', 'KILLED')
      await agent.reaches('t3', 'KILLED')
      expect(agent.statesOf('t2')).to.deep.equal(['RUNNING'])
    } finally {
      await agent.dispose()
    }
  })
})
