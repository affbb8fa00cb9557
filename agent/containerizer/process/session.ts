import { codeOf } from '../errors.js'
import { isAlive, type ProcessIdentity, sessionMembers, startTimeOf } from './identity.js'

/** Sends a signal to all of the task's process group, unless its pid belongs to another process by now. */
export async function signalGroup(task: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (await isAlive(task)) send(-task.pid, signal)
}

/** Kills what is left of a session whose supervisor can no longer do it. */
export async function killSession({ pid: session, startTime }: ProcessIdentity): Promise<void> {
  for (let rounds = 0; rounds < 100; rounds += 1) {
    const leaderStarted = await startTimeOf(session)
    if (leaderStarted !== undefined && leaderStarted !== startTime) return
    const members = await sessionMembers(session)
    if (members.length === 0) return
    for (const member of members) send(member, 'SIGKILL')
  }
}

function send(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}
