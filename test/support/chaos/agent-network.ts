import { execFile, execFileSync } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What an agent cannot do any more: hear, speak, or both. The other side is not told, as with a broken switch. */
export type Cut = 'deaf' | 'mute' | 'silent'

const chains: Readonly<Record<Cut, readonly string[]>> = {
  deaf: ['INPUT'],
  mute: ['OUTPUT'],
  silent: ['INPUT', 'OUTPUT'],
}

const prefix = 'tender-chaos'
let networkCount = 0

/**
 * A network namespace for each agent, all on one bridge, whose address is the only way to the host. A cut is a rule of the
 * namespace's own firewall that drops packets without a word: connections stay open, and nothing comes through.
 */
export class AgentNetwork {
  /** The host's address on the bridge, for NATS to listen at. */
  readonly hostAddress: string
  readonly #subnet: string
  readonly #bridge: string
  readonly #namespaces: string[] = []
  readonly #onExit = () => this.#removeNow()

  private constructor(subnet: string, bridge: string) {
    this.#subnet = subnet
    this.#bridge = bridge
    this.hostAddress = `${subnet}.1`
    process.once('exit', this.#onExit)
  }

  /** Throws, with what is missing, where this process may not or cannot make networks. */
  static async create(): Promise<AgentNetwork> {
    if (process.platform !== 'linux') throw new Error('network namespaces are a thing of Linux')
    if (process.getuid?.() !== 0) throw new Error('network namespaces can be made only by root')
    await run('iptables', ['--version'])
    await removeLeftovers()
    // An interface's name may have 15 characters; a process's id has 5 at most in base 36.
    const bridge = `tch${process.pid.toString(36)}${(networkCount++).toString(36)}`
    const network = new AgentNetwork(freeSubnet(), bridge)
    try {
      await run('ip', ['link', 'add', bridge, 'type', 'bridge'])
      await run('ip', ['address', 'add', `${network.hostAddress}/24`, 'dev', bridge])
      await run('ip', ['link', 'set', bridge, 'up'])
      return network
    } catch (error) {
      await network.dispose()
      throw error
    }
  }

  async add(agentId: string): Promise<void> {
    const namespace = this.#namespaceOf(agentId)
    const number = this.#namespaces.push(namespace)
    const outside = `${this.#bridge}v${number}`
    await run('ip', ['netns', 'add', namespace])
    await run('ip', ['link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace])
    await run('ip', ['link', 'set', outside, 'master', this.#bridge, 'up'])
    const inside = ['netns', 'exec', namespace, 'ip']
    await run('ip', [...inside, 'address', 'add', `${this.#subnet}.${number + 1}/24`, 'dev', 'eth0'])
    await run('ip', [...inside, 'link', 'set', 'eth0', 'up'])
    await run('ip', [...inside, 'link', 'set', 'lo', 'up'])
  }

  /** What stands before a command that is to run there. `ip` becomes the command, so that it can be killed as such. */
  enter(agentId: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespaceOf(agentId)]
  }

  async cut(agentId: string, cut: Cut): Promise<void> {
    for (const chain of chains[cut]) await this.#iptables(agentId, '--append', chain, '--jump', 'DROP')
  }

  async rejoin(agentId: string): Promise<void> {
    await this.#iptables(agentId, '--flush')
  }

  async dispose(): Promise<void> {
    process.off('exit', this.#onExit)
    for (const namespace of this.#namespaces) await run('ip', ['netns', 'delete', namespace]).catch(() => {})
    await run('ip', ['link', 'delete', this.#bridge]).catch(() => {})
  }

  async #iptables(agentId: string, ...args: readonly string[]): Promise<void> {
    const [program = '', ...rest] = this.enter(agentId)
    await run(program, [...rest, 'iptables', '--wait', ...args])
  }

  #namespaceOf(agentId: string): string {
    return `${prefix}-${process.pid}-${this.#bridge}-${agentId}`
  }

  #removeNow(): void {
    const steps = [
      ...this.#namespaces.map(namespace => ['netns', 'delete', namespace]),
      ['link', 'delete', this.#bridge],
    ]
    for (const args of steps) {
      try {
        execFileSync('ip', args, { stdio: 'ignore' })
      } catch {
        // The next run removes what is left.
      }
    }
  }
}

/** Of 198.18.0.0/15, which is set aside for tests of networks, so that no real one is hidden. */
function freeSubnet(): string {
  const taken = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  const subnets = Array.from({ length: 256 }, (_, third) => `198.18.${(third + process.pid) % 256}`)
  const free = subnets.find(subnet => !taken.some(({ address }) => address.startsWith(`${subnet}.`)))
  if (free === undefined) throw new Error('all of 198.18.0.0/16 is in use')
  return free
}

/** Of runs that were killed. */
async function removeLeftovers(): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list'])
  for (const line of stdout.split('\n')) {
    const [namespace = ''] = line.split(' ')
    const [, pid, bridge = ''] = new RegExp(`^${prefix}-(\\d+)-(\\w+)-`).exec(namespace) ?? []
    if (pid === undefined || isAlive(Number(pid))) continue
    await run('ip', ['netns', 'delete', namespace]).catch(() => {})
    await run('ip', ['link', 'delete', bridge]).catch(() => {})
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
