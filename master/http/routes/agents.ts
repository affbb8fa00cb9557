import { schema } from '@tender/sdk/protocol'
import { operatorCalls } from '../../core/operator-calls.js'
import { changesView } from '../../core/view.js'
import { bodyOf } from '../body.js'
import { type Endpoint, writeEndpoint } from '../endpoint.js'
import type { MasterPort } from '../port.js'
import { boolean } from '../schema.js'
import { wrong } from './values.js'

const { graceMs } = schema.propertiesOf(operatorCalls.drain)

/** Emptying agents, taking them out, and letting them in again. */
export function agentRoutes(master: MasterPort): Endpoint[] {
  return [
    writeEndpoint({
      method: 'post',
      path: '/api/v1/agents/{agentId}/drain',
      summary:
        'No more offers; frameworks with tasks there are asked to leave, and after the grace their tasks are killed. ' +
        'Without a grace nothing is killed',
      body: bodyOf({ graceMs }),
      answer: changesView,
      errors: [404],
      perform: ({ path }, { graceMs }) =>
        master.operate({
          kind: 'drain',
          agentId: path.agentId ?? '',
          ...(graceMs === undefined ? {} : { graceMs }),
        }),
    }),
    writeEndpoint({
      method: 'post',
      path: '/api/v1/agents/{agentId}/deactivate',
      summary: 'No more offers; tasks go on',
      body: bodyOf({}),
      answer: changesView,
      errors: [404],
      perform: ({ path }) => master.operate({ kind: 'deactivate', agentId: path.agentId ?? '' }),
    }),
    writeEndpoint({
      method: 'post',
      path: '/api/v1/agents/{agentId}/reactivate',
      summary: 'Ends a drain or a deactivation',
      body: bodyOf({}),
      answer: changesView,
      errors: [404],
      perform: ({ path }) => master.operate({ kind: 'reactivate', agentId: path.agentId ?? '' }),
    }),
    writeEndpoint({
      method: 'post',
      path: '/api/v1/agents/confirm-silent',
      summary:
        'While the master suspects its own link: the agents that are silent are away indeed, and become unreachable',
      body: bodyOf({}),
      answer: changesView,
      perform: () => master.operate({ kind: 'confirm-silent' }),
    }),
    writeEndpoint({
      method: 'delete',
      path: '/api/v1/agents/{agentId}',
      summary:
        'The agent is gone, as the operator promises: its tasks end as GONE_BY_OPERATOR, and it is not let in again',
      query: {
        confirm: boolean({ description: 'must be true, so that it is not done by accident' }),
        mayReturn: boolean({ description: 'it is let in again, as a new agent; not unless told' }),
      },
      answer: changesView,
      errors: [404],
      async perform({ path, query }) {
        if (query.confirm !== true)
          throw wrong('confirm', 'must be true to remove an agent for good', query.confirm)
        const { mayReturn = false } = query
        return await master.operate({ kind: 'remove-agent', agentId: path.agentId ?? '', mayReturn })
      },
    }),
  ]
}
