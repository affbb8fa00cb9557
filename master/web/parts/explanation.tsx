import type { RoleExplanation } from '../../core/view.js'
import { reasonTexts } from '../../http/reason-texts.js'
import { explanations, toggleExplanation } from '../live/explanations.js'

const idOf = (frameworkId: string) => `explanation-${frameworkId}`

/** Asks why a framework has no offers, and puts the answer away again. */
export function ExplainButton({ frameworkId }: { frameworkId: string }) {
  const isOpen = explanations.value.has(frameworkId)
  return (
    <button
      type="button"
      class="why"
      aria-expanded={isOpen}
      aria-controls={isOpen ? idOf(frameworkId) : undefined}
      onClick={() => toggleExplanation(frameworkId)}
    >
      Why no offers?
    </button>
  )
}

/** For each role, at which stage the agents fall; undefined while nobody asks. */
export function explanationOf(frameworkId: string) {
  const explained = explanations.value.get(frameworkId)
  if (!explained) return undefined
  return (
    <div class="explanation" id={idOf(frameworkId)} data-testid="explanation" data-state={explained.kind}>
      {explained.kind === 'asking' && <p class="faint">Asking the master…</p>}
      {explained.kind === 'failed' && <p class="late">It cannot be explained now: {explained.reason}.</p>}
      {explained.kind === 'known' &&
        (explained.explanation.roles.length === 0 ? (
          <p>It is in no role, so that it has no offers.</p>
        ) : (
          explained.explanation.roles.map(role => <Funnel key={role.role} explained={role} />)
        ))}
    </div>
  )
}

function Funnel({ explained }: { explained: RoleExplanation }) {
  const { role, agentCount, funnel, advice } = explained
  return (
    <div class="funnel" data-testid="funnel" data-id={role}>
      <h3>
        Role {role} <span class="count">{agentCount === 1 ? '1 agent' : `${agentCount} agents`}</span>
      </h3>
      {funnel.length > 0 && (
        <table>
          <caption>Why agents are not offered in role {role}</caption>
          <thead>
            <tr>
              <th scope="col" class="number">
                Agents
              </th>
              <th scope="col">Reason</th>
              <th scope="col">For example</th>
            </tr>
          </thead>
          <tbody>
            {funnel.map(({ reason, agentCount: count, example }) => (
              <tr key={reason} data-testid="funnel-row" data-id={reason}>
                <td class="number">{count}</td>
                <td>
                  <code>{reason}</code> <div class="faint">{reasonTexts[reason]}</div>
                </td>
                <td>
                  {example.hostname} <code class="faint">{example.agentId}</code>{' '}
                  <div class="reason">{example.message}</div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {advice !== undefined && (
        <p class="advice" data-testid="advice">
          <b>Advice:</b> {advice}
        </p>
      )}
    </div>
  )
}
