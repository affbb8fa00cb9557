import { type FrameworkId, ProtocolError } from '@tender/sdk/protocol'
import type { MasterState } from '../state.js'
import { asCompleted, endFramework, recordsOfEnd } from '../teardown.js'
import { changeOf, type Decision } from './decision.js'

/** The framework has ended for good, by the operator's word: it is told so, and its tasks are killed. */
export function tearDown(
  state: MasterState,
  { frameworkId }: { readonly frameworkId: FrameworkId },
  now: number,
): Decision {
  const framework = state.frameworks.get(frameworkId)
  if (!framework) {
    const ended = state.completedFrameworks.get(frameworkId)
    const why = ended ? `has ended: ${ended.reason}` : 'is not known'
    throw new ProtocolError('unknown-framework', `framework ${frameworkId} ${why}`)
  }
  const completed = asCompleted(framework, now, 'torn down by an operator')
  return {
    records: recordsOfEnd(state, completed),
    take: turn => {
      const { state: before } = framework
      const message = `framework ${frameworkId} was torn down by an operator`
      turn.toFramework(framework, 'failed', { code: 'torn-down', message })
      endFramework(turn, framework, completed)
      return changeOf(`framework ${frameworkId}`, 'state', before, 'completed')
    },
  }
}
