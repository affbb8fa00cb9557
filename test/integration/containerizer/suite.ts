import { expect } from 'chai'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { Context } from 'mocha'
import type {
  ContainerSpec,
  ContainerStartError,
  StartedContainer,
  TaskKey,
} from '../../../agent/containerizer/containerizer.js'
import { adoptable, frameworkId, output, type Rig, takenPort, until, untilOutput } from './rig.js'

/** Keeps running until it is told to end, and says when it is ready for that. */
const server = ['sh', '-c', 'trap "echo bye; exit 0" TERM; echo ready; while true; do sleep 0.02; done']
const deaf = ['sh', '-c', 'trap "" TERM; echo ready; while true; do sleep 0.02; done']

/** What every containerizer does. */
export function behavesLikeAContainerizer(name: string, make: (context: Context) => Promise<Rig>): void {
  describe(`${name} containerizer`, () => {
    let rig: Rig

    beforeEach(async function () {
      rig = await make(this)
    })

    afterEach(() => rig?.cleanUp())

    async function run(command: readonly string[], changes?: Partial<ContainerSpec>): Promise<ContainerSpec> {
      const spec = await rig.spec(command, changes)
      await rig.containerizer.start(spec)
      await rig.told.exitOf(spec)
      return spec
    }

    async function startReady(command: readonly string[]): Promise<[ContainerSpec, StartedContainer]> {
      const spec = await rig.spec(command)
      const started = await rig.containerizer.start(spec)
      await untilOutput(spec, 'ready')
      return [spec, started]
    }

    async function refusal(spec: ContainerSpec): Promise<ContainerStartError> {
      return rig.containerizer.start(spec).then(
        () => expect.fail('it started'),
        (error: ContainerStartError) => error,
      )
    }

    it('tells which task it started, and later that it ended', async () => {
      const spec = await rig.spec(['true'])
      const started = await rig.containerizer.start(spec)
      expect(started).to.deep.include({ frameworkId, taskId: spec.taskId })
      expect(started.handle.kind).to.equal(rig.containerizer.kind)
      expect(await rig.told.exitOf(spec)).to.deep.equal({
        frameworkId,
        taskId: spec.taskId,
        exitCode: 0,
        outOfMemory: false,
      })
    })

    it('passes arguments as they are, and the environment', async () => {
      const spec = await run(['sh', '-c', 'echo "$1|$GREETING"', 'sh', 'a "b" $c'], {
        env: { GREETING: 'hello  you' },
      })
      expect(await output(spec)).to.equal('a "b" $c|hello  you\n')
    })

    it('names the sandbox in TENDER_SANDBOX', async () => {
      const spec = await run(['sh', '-c', 'ls "$TENDER_SANDBOX"'])
      expect(await output(spec)).to.equal('stderr\nstdout\n')
    })

    it('keeps what the task does not see of the agent to itself', async () => {
      process.env['AGENT_SECRET'] = 'hush'
      const spec = await run(['env'])
      delete process.env['AGENT_SECRET']
      expect(await output(spec)).not.to.contain('hush')
    })

    it('has all output in the sandbox when the end is told', async () => {
      const spec = await run(['sh', '-c', 'seq 1 20000; echo trouble >&2; printf end'])
      const lines = (await output(spec)).split('\n')
      expect([lines.length, lines[19_999], lines.at(-1)]).to.deep.equal([20_001, '20000', 'end'])
      expect(await output(spec, 'stderr')).to.equal('trouble\n')
    })

    it('tells an exit code', async () => {
      const spec = await run(['sh', '-c', 'exit 3'])
      expect((await rig.told.exitOf(spec)).exitCode).to.equal(3)
    })

    it('tells a signal as 128 and its number', async () => {
      const spec = await run(['sh', '-c', 'kill -KILL $$'])
      expect((await rig.told.exitOf(spec)).exitCode).to.equal(137)
      expect(await output(spec, 'stderr')).to.equal('')
    })

    it('stops a task by SIGTERM', async () => {
      const [spec] = await startReady(server)
      await rig.containerizer.stop(spec, 10_000)
      expect((await rig.told.exitOf(spec)).exitCode).to.equal(0)
      expect(await output(spec)).to.equal('ready\nbye\n')
    })

    it('stops a task that does not listen by SIGKILL, after the grace period', async () => {
      const [spec] = await startReady(deaf)
      const before = Date.now()
      await rig.containerizer.stop(spec, 1_000)
      expect(rig.told.exits).to.deep.equal([])
      expect((await rig.told.exitOf(spec)).exitCode).to.equal(137)
      expect(Date.now() - before).to.be.within(900, 5_000)
    })

    it('may be told to stop again, and sooner', async () => {
      const [spec] = await startReady(deaf)
      await rig.containerizer.stop(spec, 60_000)
      await rig.containerizer.stop(spec, 0)
      expect((await rig.told.exitOf(spec)).exitCode).to.equal(137)
    })

    it('ends all that the task has started with it', async () => {
      const spec = await run(['sh', '-c', 'sleep 1000 & (sleep 1000 &) ; exit 0'])
      await rig.containerizer.remove(spec)
      expect(await rig.leftovers()).to.deep.equal([])
    })

    it('does nothing when told to stop what has ended or was never there', async () => {
      const spec = await run(['true'])
      await rig.containerizer.stop(spec, 0)
      await rig.containerizer.stop({ frameworkId, taskId: 'nobody' }, 0)
      expect(rig.told.exits).to.have.length(1)
    })

    it('refuses a command that does not exist, by name', async () => {
      const error = await refusal(await rig.spec(['no-such-program', 'x']))
      expect(error).to.deep.include({ name: 'ContainerStartError', reason: 'command-not-found' })
      expect(error.message).to.contain('no-such-program').and.to.contain('/bin')
      expect(await rig.leftovers()).to.deep.equal([])
      expect(rig.told.exits).to.deep.equal([])
    })

    it('refuses a host port that is taken, by number', async () => {
      const { port, release } = await takenPort()
      const portMappings = [{ containerPort: 80, hostPort: port, protocol: 'tcp' } as const]
      const error = await refusal(await rig.spec(['sleep', '1000'], { network: 'bridge', portMappings }))
      await release()
      expect(error.reason).to.equal('port-taken')
      expect(error.message).to.contain(`${port}`)
      expect(await rig.leftovers()).to.deep.equal([])
    })

    it('gives the running one when a task is started twice', async () => {
      const spec = await rig.spec(['sh', '-c', 'echo once; exec sleep 1000'])
      const first = await rig.containerizer.start(spec)
      await untilOutput(spec, 'once')
      const count = (await rig.leftovers()).length
      expect(await rig.containerizer.start(spec)).to.deep.equal(first)
      await rig.restart()
      expect(await rig.containerizer.start(spec)).to.deep.equal(first)
      expect(await rig.leftovers()).to.have.length(count)
    })

    it('refuses to start again what has ended, until it is removed', async () => {
      const spec = await run(['true'])
      expect((await refusal(spec)).reason).to.equal('start-failed')
      await rig.containerizer.remove(spec)
      await rig.containerizer.start(spec)
    })

    it('adopts a running task after a restart, with all of its output', async () => {
      const [spec, started] = await startReady(server)
      await rig.restart()
      expect(await rig.containerizer.adopt([adoptable(spec, started.handle)])).to.deep.equal([started])
      expect(rig.told.exits).to.deep.equal([])
      await rig.containerizer.stop(spec, 10_000)
      expect((await rig.told.exitOf(spec)).exitCode).to.equal(0)
      expect(await output(spec)).to.equal('ready\nbye\n')
    })

    it('tells the exit code of a task that ended while the agent was away', async () => {
      const go = [
        'sh',
        '-c',
        'echo ready; while [ ! -e "$TENDER_SANDBOX/go" ]; do sleep 0.02; done; echo gone; exit 7',
      ]
      const [spec, started] = await startReady(go)
      await rig.restart()
      await letEnd(spec)
      expect(await rig.containerizer.adopt([adoptable(spec, started.handle)])).to.deep.equal([])
      expect((await rig.told.exitOf(spec)).exitCode).to.equal(7)
      expect(await output(spec)).to.equal('ready\ngone\n')
      expect(rig.told.exits).to.have.length(1)
    })

    it('adopts a task whose handle was never stored', async () => {
      const [spec, started] = await startReady(server)
      await rig.restart()
      expect(await rig.containerizer.adopt([adoptable(spec)])).to.deep.equal([started])
    })

    it('tells of a task that was never started', async () => {
      const spec = await rig.spec(server)
      expect(await rig.containerizer.adopt([adoptable(spec)])).to.deep.equal([])
      const { taskId } = spec
      const lost = { frameworkId, taskId, outOfMemory: false, message: 'was never started' }
      expect(rig.told.exits).to.deep.equal([lost])
    })

    it('does not take anything else for the task when the task is gone', async () => {
      const spec = await rig.spec(server)
      expect(await rig.containerizer.adopt([adoptable(spec, rig.lostHandle)])).to.deep.equal([])
      expect(await rig.told.exitOf(spec)).not.to.have.property('exitCode')
    })

    it('leaves tasks running when it is closed', async () => {
      const [spec] = await startReady(['sh', '-c', 'echo ready; exec sleep 1000'])
      const before = await rig.leftovers()
      await rig.restart()
      expect(await rig.leftovers()).to.deep.equal(before)
      expect(rig.told.exits).to.deep.equal([])
      await rig.containerizer.adopt([adoptable(spec)])
    })

    it('forgets a task that is removed, also twice', async () => {
      const spec = await run(['true'])
      await rig.containerizer.remove(spec)
      await rig.containerizer.remove(spec)
      expect(await rig.leftovers()).to.deep.equal([])
      expect(await output(spec)).to.equal('')
    })

    describe('what runs without a record of it', () => {
      it('is found after a restart, and stays until it is to be removed', async () => {
        const quiet = ['sh', '-c', 'echo ready; exec sleep 1000']
        const [known] = await startReady(quiet)
        const [orphan] = await startReady(quiet)
        const before = await rig.leftovers()
        await rig.restart()
        await rig.containerizer.adopt([adoptable(known)])
        expect(await rig.containerizer.orphans([known])).to.deep.equal([keyOf(orphan)])
        expect(await rig.leftovers()).to.have.members(before)

        await rig.containerizer.removeOrphan(orphan, 10_000)
        await rig.containerizer.removeOrphan(orphan, 10_000)
        expect(await rig.containerizer.orphans([known])).to.deep.equal([])
        expect(await rig.leftovers()).to.have.length(before.length / 2)
        expect(rig.told.exits).to.deep.equal([])
      })

      it('is ended after its grace period, if it does not listen', async () => {
        const [orphan] = await startReady(deaf)
        await rig.restart()
        await rig.containerizer.removeOrphan(orphan, 0)
        expect(await rig.containerizer.orphans([])).to.deep.equal([])
        expect(await rig.leftovers()).to.deep.equal([])
      })

      it('is found when it has ended, too', async () => {
        const spec = await run(['true'])
        await rig.restart()
        expect(await rig.containerizer.orphans([])).to.deep.equal([keyOf(spec)])
        await rig.containerizer.removeOrphan(spec, 0)
        expect(await rig.containerizer.orphans([])).to.deep.equal([])
      })

      it('is what a start of its task gives; if it has ended, that is told', async () => {
        const [running, first] = await startReady(server)
        const ended = await run(['sh', '-c', 'exit 5'])
        await rig.restart()
        expect(await rig.containerizer.orphans([])).to.have.deep.members([keyOf(running), keyOf(ended)])
        expect(await rig.containerizer.start(running)).to.deep.equal(first)
        await rig.containerizer.start(ended)
        expect((await rig.told.exitOf(ended)).exitCode).to.equal(5)
      })
    })

    it('runs tasks beside each other', async () => {
      const specs = await Promise.all([1, 2, 3, 4].map(code => rig.spec(['sh', '-c', `exit ${code}`])))
      await Promise.all(specs.map(spec => rig.containerizer.start(spec)))
      const exits = await Promise.all(specs.map(spec => rig.told.exitOf(spec)))
      expect(exits.map(exit => exit.exitCode)).to.deep.equal([1, 2, 3, 4])
    })

    function keyOf({ taskId }: ContainerSpec): TaskKey {
      return { frameworkId, taskId }
    }

    /** Lets a task that waits for the file `go` end, and waits for that without the containerizer's help. */
    async function letEnd(spec: ContainerSpec): Promise<void> {
      await writeFile(join(spec.sandbox, 'go'), '')
      await until(async () => (await rig.leftovers()).every(one => one.includes('exited')))
    }
  })
}
