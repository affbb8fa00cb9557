import { ContainerStartError } from '../containerizer.js'
import { findProgram, type ProgramSearch } from './program.js'
import type { SupervisorTools } from './supervisor.js'

/** Finds what the supervisor needs on this host. @throws ContainerStartError */
export async function findTools(search: ProgramSearch): Promise<SupervisorTools> {
  const find = (name: string): Promise<string> => findProgram(name, search)
  return {
    mkdir: await find('mkdir'),
    mv: await find('mv'),
    // Only needed where there is no /proc, and every such host has it.
    ps: await find('ps').catch(() => 'ps'),
    newSession: await findNewSession(find),
  }
}

/** Linux has setsid; macOS has none, but it has perl. */
async function findNewSession(find: (name: string) => Promise<string>): Promise<string[]> {
  const setsid = await find('setsid').catch(() => undefined)
  if (setsid !== undefined) return [setsid]
  const perl = await find('perl').catch(() => undefined)
  if (perl !== undefined) return [perl, '-MPOSIX', '-e', 'POSIX::setsid(); exec { $ARGV[0] } @ARGV']
  throw new ContainerStartError(
    'start-failed',
    'processes need the program setsid (util-linux) or perl on this host',
  )
}
