import type { Reply } from '@tender/sdk/protocol'
import type { Framework } from './state.js'
import type { Turn } from './turn.js'

/** So many answers are remembered for each framework, for calls that come twice. */
const keptReplies = 1_000

/** Answers a call, and remembers the answer: the same call again gets the same. */
export function answerCall(turn: Turn, framework: Framework, callId: string, reply: Reply): void {
  framework.openCalls.delete(callId)
  framework.replies.set(callId, reply)
  const [oldest] = framework.replies.keys()
  if (framework.replies.size > keptReplies && oldest !== undefined) framework.replies.delete(oldest)
  turn.toFramework(framework, 'reply', reply, callId)
}

/** The same, when the registry has been written meanwhile: whoever asked may be gone, or here in another subscription. */
export function answerLater(turn: Turn, asked: Framework, callId: string | undefined, reply: Reply): void {
  const framework = turn.state.frameworks.get(asked.frameworkId)
  if (callId === undefined || framework?.session !== asked.session) return
  answerCall(turn, framework, callId, reply)
}
