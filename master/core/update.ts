import type { frameworkToLeader, Infer } from '@tender/sdk/protocol'
import { answerLater } from './answer-later.js'
import { checkFramework, factsOf } from './framework-facts.js'
import { frameworkRecord, writeFramework } from './framework-record.js'
import { rescind } from './offers.js'
import type { Framework } from './state.js'
import { done, refused, type Turn } from './turn.js'
import { viewFramework } from './views.js'

type Update = Infer<typeof frameworkToLeader.update>

/**
 * Other facts about a framework that is subscribed. Its offers stand on, but for those of roles that it has left. It is
 * answered when they are stored.
 */
export function update(turn: Turn, asked: Framework, body: Update, callId: string | undefined): void {
  const { frameworkId } = asked
  const { framework: info } = body
  checkFramework(frameworkId, info, body.offerConstraints)
  turn.change([`framework ${frameworkId}`], (start, store) => {
    const framework = start.state.frameworks.get(frameworkId)
    if (!framework || framework.session !== asked.session) return
    const finish = (later: Turn) => {
      take(later, framework, body)
      answerLater(later, framework, callId, done())
    }
    if (JSON.stringify(framework.info) === JSON.stringify(info)) return finish(start)
    const record = frameworkRecord({ ...framework, info })
    store([writeFramework(record)], (later, error) => {
      if (error === undefined) {
        framework.record = record
        return finish(later)
      }
      later.log('error', 'the registry could not store a framework', { frameworkId, error })
      const problem = `the registry could not store the framework: ${error}`
      answerLater(later, framework, callId, refused('registry-unavailable', problem))
    })
  })
}

function take(turn: Turn, framework: Framework, body: Update): void {
  const { state } = turn
  const { frameworkId } = framework
  const { framework: info, suppressedRoles = [], offerConstraints = {} } = body
  const left = framework.info.roles.filter(role => !info.roles.includes(role))
  for (const record of [...state.offers.values()]) {
    const { offer } = record
    if (offer.frameworkId === frameworkId && left.includes(offer.role))
      rescind(turn, record, 'the framework has left the role')
  }
  for (const role of left) state.allocator.setDemand(frameworkId, role, undefined)
  framework.info = info
  framework.suppressedRoles = new Set(suppressedRoles)
  framework.offerConstraints = offerConstraints
  if (framework.state === 'connected') state.allocator.setFramework(factsOf(framework))
  turn.log('info', 'framework updated', { frameworkId, roles: info.roles.join(',') })
  turn.event({ kind: 'framework', framework: viewFramework(state, framework) })
}
