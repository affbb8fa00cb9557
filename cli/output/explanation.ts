import type { AgentExplanation, Explanation, RoleExplanation } from '../../master/core/view.js'
import { reasonTexts } from '../../master/http/reason-texts.js'
import { type Column, table } from './table.js'

type Stage = RoleExplanation['funnel'][number]

const columns: readonly Column<Stage>[] = [
  { heading: 'AGENTS', value: stage => String(stage.agentCount), align: 'right' },
  { heading: 'REASON', value: stage => stage.reason },
  { heading: 'MEANING', value: stage => reasonTexts[stage.reason] },
  { heading: 'FOR EXAMPLE', value: stage => exampleText(stage.example) },
]

/** The funnel of each role, and what would let an offer through. */
export function explanationText({ frameworkId, roles }: Explanation): string {
  if (roles.length === 0) return `Framework ${frameworkId} is in no role, so that it has no offers.`
  return roles.map(role => roleText(frameworkId, role)).join('\n\n')
}

function roleText(frameworkId: string, { role, agentCount, funnel, advice }: RoleExplanation): string {
  const agents = agentCount === 1 ? '1 agent' : `${agentCount} agents`
  return [
    `Framework ${frameworkId}, role ${role}: ${agents}`,
    ...(funnel.length === 0 ? [] : [table(funnel, columns)]),
    ...(advice === undefined ? [] : [`Advice: ${advice}`]),
  ].join('\n')
}

function exampleText({ agentId, hostname, message }: AgentExplanation): string {
  return `${hostname === agentId ? agentId : `${agentId} (${hostname})`}: ${message}`
}
