import { execFile, spawn } from 'node:child_process'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { AgentView, OfferView, StateView, TaskView } from '../../master/core/view.js'
import { eventually, RunningDevCluster, tender } from '../support/dev-cluster.js'
import { freePort } from '../../cli/dev/free-port.js'
import { natsBinary } from '../support/nats.js'
import { busyboxImage, requireEngine } from '../support/engine.js'
import { expectMatchesOpenApi } from '../support/openapi.js'

const docker = promisify(execFile)
const hello = fileURLToPath(new URL('../../examples/hello.js', import.meta.url))

interface AppTasks {
  readonly tasks: readonly {
    readonly id: string
    readonly host: string
    readonly ports: readonly number[]
    readonly state: string
  }[]
}

for (const containerizer of ['docker', 'process'] as const) {
  describe(`tender dev with ${containerizer}`, function () {
    this.timeout(60_000)
    let cluster: RunningDevCluster

    const running = async () => {
      const { tasks } = await cluster.get<AppTasks>(`${cluster.file.service}/v2/apps/hello-web/tasks`)
      return tasks.filter(({ state }) => state === 'TASK_RUNNING')
    }
    const containers = async () => {
      const filter = `label=tender.cluster=${cluster.file.cluster}`
      const { stdout } = await docker('docker', ['ps', '-aq', '--filter', filter])
      return stdout.split('\n').filter(Boolean)
    }

    before(async function () {
      if (containerizer === 'docker') await requireEngine(this)
      cluster = await RunningDevCluster.start([
        '--containerizer',
        containerizer,
        '--master-port',
        '0',
        '--service-port',
        '0',
      ])
    })

    after(async () => {
      await cluster?.dispose()
    })

    it('says where to look, and what to try', () => {
      const { master, service } = cluster.file
      expect(cluster.output).to.include(`Web page            ${master}`).and.include(`${service}/v2/apps`)
      expect(cluster.output).to.include('npx tender offers')
    })

    it('leaves the definition of the example, to be changed and deployed again', async () => {
      const file = join(cluster.directory, '.tender', 'hello-web.json')
      const { status, stdout } = await cluster.tender('deploy', file, '--wait')
      expect([status, stdout]).to.satisfy(
        ([code, text]: [number, string]) => code === 0 && text.includes('/hello-web runs.'),
      )
    })

    it('runs three instances of the example, and each answers with its own name', async () => {
      const tasks = await running()
      const names = await Promise.all(
        tasks.map(async ({ host, ports }) => await (await fetch(`http://${host}:${ports[0]}/`)).text()),
      )
      expect(names.length).to.equal(3)
      for (const { id } of tasks)
        expect(names.filter(name => name.includes(id)).length, names.join()).to.equal(1)
    })

    it('divides the machine among the agents without overlap', async () => {
      const agents = await cluster.get<AgentView[]>(`${cluster.file.master}/api/v1/agents`)
      const ports = agents
        .map(({ resources }) => resources.ports as [number, number][])
        .map(([range]) => range)
      expect(agents.map(({ agentId }) => agentId)).to.deep.equal(['agent-1', 'agent-2', 'agent-3'])
      expect(ports).to.deep.equal([
        [31_000, 31_332],
        [31_333, 31_665],
        [31_666, 31_998],
      ])
    })

    it('shows the same offers on the command line as in the API', async () => {
      await expectSameOffers(cluster)
    })

    it('answers as its OpenAPI description says', async () => {
      const { master } = cluster.file
      const openapi = await cluster.get<Parameters<typeof expectMatchesOpenApi>[0]>(
        `${master}/api/v1/openapi.json`,
      )
      for (const path of ['health', 'state', 'agents', 'frameworks', 'roles', 'offers', 'tasks', 'leader']) {
        const response = await fetch(`${master}/api/v1/${path}`)
        const body: unknown = await response.json()
        expectMatchesOpenApi(openapi, {
          method: 'get',
          path: `/api/v1/${path}`,
          status: response.status,
          body,
        })
      }
    })

    it('replaces a killed instance within 2 s', async () => {
      const [victim] = await running()
      await killTask(cluster, victim?.id ?? '', containerizer)
      const startedMs = performance.now()
      const tasks = await eventually(
        5_000,
        running,
        list => list.length === 3 && list.every(({ id }) => id !== victim?.id),
      )
      expect(performance.now() - startedMs).to.be.below(2_000)
      expect(tasks.length).to.equal(3)
    })

    it('shows what a task wrote', async () => {
      const [task] = await running()
      const { stdout, status } = await cluster.tender('logs', task?.id ?? '')
      expect([status, stdout]).to.satisfy(
        ([code, text]: [number, string]) => code === 0 && text.includes('listens'),
      )
    })

    it('follows what a task writes until it ends', async () => {
      const file = join(cluster.directory, 'talker.json')
      const cmd = 'for n in 1 2 3; do echo line $n; sleep 0.3; done; sleep 0.5; exit 1'
      const container = { type: 'DOCKER', docker: { image: busyboxImage } }
      await writeFile(
        file,
        JSON.stringify({
          id: '/talker',
          cmd,
          cpus: 0.1,
          mem: 32,
          ...(containerizer === 'docker' ? { container } : {}),
        }),
      )
      expect((await cluster.tender('deploy', file, '--wait')).stdout).to.include('/talker runs.')
      const { tasks } = await cluster.get<AppTasks>(`${cluster.file.service}/v2/apps/talker/tasks`)
      const { stdout } = await cluster.tender('logs', tasks[0]?.id ?? '', '--follow')
      expect(stdout).to.equal('line 1\nline 2\nline 3\n')
      await fetch(`${cluster.file.service}/v2/apps/talker`, { method: 'DELETE' })
    })

    it('prints tables, and JSON when asked to', async () => {
      const headings = {
        agents: /^AGENT +HOST +STATE +TASKS +ALLOCATED +OFFERED +FREE/,
        offers: /^OFFER +FRAMEWORK +ROLE +AGENT +AGE +LEFT +RESOURCES|^No outstanding offers/,
        frameworks: /^FRAMEWORK +NAME +STATE +ROLES/,
        roles: /^ROLE +WEIGHT +SHARE/,
        tasks: /^TASK +FRAMEWORK +AGENT +STATE/,
        apps: /^APP +RUNNING +STAGED +CPUS +MEM/,
      }
      for (const [name, heading] of Object.entries(headings)) {
        const [{ stdout }, json] = [await cluster.tender(name), await cluster.tender(name, '--json')]
        expect(stdout, name).to.match(heading)
        expect(JSON.parse(json.stdout), name).to.be.an('array')
      }
    })

    it('runs the hello framework', async () => {
      const { stdout } = await docker(process.execPath, [hello], { cwd: cluster.directory })
      expect(stdout)
        .to.match(/is RUNNING/)
        .and.match(/is FINISHED/)
    })

    it('says why an app cannot run', async () => {
      const file = join(cluster.directory, 'huge.json')
      await writeFile(file, JSON.stringify({ id: '/huge', cmd: 'sleep 1000', cpus: 1000, mem: 32 }))
      const { status, stdout, stderr } = await cluster.tender('deploy', file, '--wait', '--timeout', '2s')
      expect(status).to.equal(1)
      expect(stdout + stderr)
        .to.match(/0 of 1 instances run/)
        .and.match(/cpus/)
      await fetch(`${cluster.file.service}/v2/apps/huge`, { method: 'DELETE' })
    })

    it('refuses an app with wrong fields before anything is stored', async () => {
      const file = join(cluster.directory, 'wrong.json')
      await writeFile(file, JSON.stringify({ id: '/wrong', cmd: 'true', instances: 'three', cpu: 1 }))
      const { status, stderr } = await cluster.tender('deploy', file)
      expect(status).to.equal(1)
      expect(stderr)
        .to.match(/422/)
        .and.match(/\/instances: .*three/)
        .and.match(/\/cpu: /)
      expect((await fetch(`${cluster.file.service}/v2/apps/wrong`)).status).to.equal(404)
    })

    it('finds the tasks of a killed agent again', async () => {
      const before = (await running()).map(({ id }) => id).toSorted()
      const { pids } = cluster.file
      for (const name of ['agent-1', 'agent-2', 'agent-3']) process.kill(pids[name] ?? 0, 'SIGKILL')
      await eventually(
        10_000,
        () => cluster.get<AgentView[]>(`${cluster.file.master}/api/v1/agents`),
        () => ['agent-1', 'agent-2', 'agent-3'].every(name => cluster.file.pids[name] !== pids[name]),
      )
      await eventually(
        10_000,
        () => cluster.get<StateView>(`${cluster.file.master}/api/v1/state`),
        ({ tasks }) => tasks.filter(({ state }) => state === 'RUNNING').length === 3,
      )
      expect((await running()).map(({ id }) => id).toSorted()).to.deep.equal(before)
    })

    it('goes on after the master and the service framework were killed', async () => {
      const before = (await running()).map(({ id }) => id).toSorted()
      const { pids } = cluster.file
      for (const name of ['master', 'service']) process.kill(pids[name] ?? 0, 'SIGKILL')
      const tasks = await eventually(
        20_000,
        async () =>
          await cluster.get<TaskView[]>(`${cluster.file.master}/api/v1/tasks`).catch((): TaskView[] => []),
        list => list.filter(({ state }) => state === 'RUNNING').length === 3,
      )
      const names = tasks.filter(({ state }) => state === 'RUNNING').map(({ taskId }) => taskId)
      expect(names.toSorted()).to.deep.equal(before)
      await eventually(
        20_000,
        () => running().catch(() => []),
        list => list.length === 3,
      )
    })

    it('scales both ways', async () => {
      const url = `${cluster.file.service}/v2/apps/hello-web`
      for (const instances of [5, 2]) {
        const body = JSON.stringify({ instances })
        const response = await fetch(url, {
          method: 'PUT',
          body,
          headers: { 'content-type': 'application/json' },
        })
        expect(response.status).to.equal(200)
        await eventually(20_000, running, list => list.length === instances)
      }
      if (containerizer === 'docker') await eventually(5_000, containers, list => list.length === 2)
    })

    it('says so when a cluster runs from here already', async () => {
      const { status, stdout } = await cluster.tender(
        'dev',
        '--directory',
        join(cluster.directory, '.tender'),
      )
      expect(status).to.equal(1)
      expect(stdout).to.include('A cluster runs from here already')
    })

    it('stops all at Ctrl-C, and leaves nothing behind', async () => {
      const { pids } = cluster.file
      const before = containerizer === 'docker' ? await containers() : []
      const tasks = await running()
      expect(await cluster.interrupt()).to.equal(0)
      const alive = Object.values(pids).filter(isAlive)
      expect(alive).to.deep.equal([])
      for (const { host, ports } of tasks)
        expect(await answers(`http://${host}:${ports[0]}/`)).to.equal(false)
      for (const id of before) {
        const found = await docker('docker', ['inspect', id]).catch(() => undefined)
        expect(found, id).to.equal(undefined)
      }
      const file = await readFile(join(cluster.directory, '.tender', 'cluster.json')).catch(() => undefined)
      expect(file).to.equal(undefined)
    })
  })
}

describe('tender dev after it was killed', function () {
  this.timeout(60_000)

  it('starts again on the same data, with one NATS server', async () => {
    const flags = ['--containerizer', 'process', '--master-port', '0', '--service-port', '0', '--no-example']
    const killed = await RunningDevCluster.start(flags)
    const { pids } = killed.file
    await killed.kill()
    const parts = ['master', 'agent-1', 'agent-2', 'agent-3', 'service'].map(name => pids[name] ?? 0)
    await eventually(
      20_000,
      async () => parts.filter(isAlive),
      alive => alive.length === 0,
    )
    const again = await RunningDevCluster.start(flags, killed.directory)
    expect(again.output).to.include('stopped the server of a cluster that was killed')
    expect(isAlive(pids.nats ?? 0)).to.equal(false)
    await again.dispose()
  })
})

describe('the tender command', () => {
  it('names the flag that it does not know, and those that it does', async () => {
    const { status, stderr } = await tender(['agent', '--rescources', 'cpus:1'])
    expect(status).to.equal(2)
    expect(stderr)
      .to.match(/unknown option '--rescources'/)
      .and.match(/Did you mean --resources\?/)
      .and.match(/--work-dir/)
  })

  it('says what is wrong with resources, where, and stops with status 1', async () => {
    const { status, stdout } = await tender(['agent', '--resources', 'cpus:4;mem:lots'])
    expect(status).to.equal(1)
    expect(stdout).to.match(
      /position 12: a scalar is a number of 0 or more with up to 3 decimals, got 'lots' exitStatus=1/,
    )
  })

  it('logs a JSON object a line when asked to', async () => {
    const args = ['master', '--nats', 'nats://127.0.0.1:1', '--log-format', 'json']
    const { status, stdout } = await tender(args)
    const lines = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { message: string; exitStatus?: number })
    expect(status).to.equal(1)
    expect(lines.at(-1)?.message).to.match(
      /^master stops: no NATS server answers at nats:\/\/127.0.0.1:1; start one/,
    )
    expect(lines.at(-1)?.exitStatus).to.equal(1)
  })

  it('says that a NATS server has no JetStream, and how to have it', async () => {
    const source = await natsBinary()
    const port = await freePort(0)
    const server = spawn(source.kind === 'binary' ? source.path : '', ['-a', '127.0.0.1', '-p', String(port)])
    const url = `nats://127.0.0.1:${port}`
    try {
      await eventually(
        5_000,
        async () => (await tender(['master', '--nats', url, '--port', '0'])).stdout,
        text => text.includes('has no JetStream, which is needed; start it with nats-server -js'),
      )
      const dev = await tender(['dev', '--nats', url, '--directory', join(tmpdir(), `tender-test-${port}`)])
      expect([dev.status, dev.stdout]).to.satisfy(
        ([status, text]: [number, string]) => status === 1 && text.includes('has no JetStream'),
      )
    } finally {
      server.kill()
      await rm(join(tmpdir(), `tender-test-${port}`), { recursive: true, force: true })
    }
  })

  it('says who does not answer, and how to have one', async () => {
    const { status, stderr } = await tender(['agents', '--master', 'http://127.0.0.1:1'])
    expect(status).to.equal(1)
    expect(stderr).to.match(/no master answers at http:\/\/127.0.0.1:1; start a cluster with tender dev/)
  })
})

/** Offers change while one looks: the two are compared when they were read in one quiet moment. */
async function expectSameOffers(cluster: RunningDevCluster): Promise<void> {
  const url = `${cluster.file.master}/api/v1/offers`
  const ids = (offers: OfferView[]) => offers.map(({ offerId }) => offerId)
  const { before, shown, after } = await eventually(
    10_000,
    async () => {
      const before = ids(await cluster.get<OfferView[]>(url))
      const { stdout } = await cluster.tender('offers', '--json')
      return {
        before,
        shown: ids(JSON.parse(stdout) as OfferView[]),
        after: ids(await cluster.get<OfferView[]>(url)),
      }
    },
    ({ before, after }) => before.join() === after.join(),
  )
  expect(shown).to.deep.equal(before).and.deep.equal(after)
}

async function killTask(
  cluster: RunningDevCluster,
  taskId: string,
  containerizer: 'docker' | 'process',
): Promise<void> {
  if (containerizer === 'docker') {
    const filters = [
      '--filter',
      `label=tender.cluster=${cluster.file.cluster}`,
      '--filter',
      `label=tender.task=${taskId}`,
    ]
    const { stdout } = await docker('docker', ['ps', '-q', ...filters])
    await docker('docker', ['kill', stdout.trim()])
    return
  }
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const [environment, command] = await Promise.all(
      ['environ', 'cmdline'].map(file => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    )
    const isTask = environment?.includes(`TENDER_TASK_ID=${taskId}\0`) && command?.includes('server.mjs')
    // Its supervisor, a shell, has the command among its arguments too.
    if (isTask && command?.startsWith(process.execPath)) process.kill(Number(pid), 'SIGKILL')
  }
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    () => true,
    () => false,
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
