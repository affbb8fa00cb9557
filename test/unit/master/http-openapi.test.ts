import { schema } from '@tender/sdk/protocol'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { agentView, changesView } from '../../../master/core/view.js'
import { jsonEndpoint, streamEndpoint, writeEndpoint } from '../../../master/http/endpoint.js'
import { describeEndpoints } from '../../../master/http/openapi.js'
import { expectMatchesOpenApi } from '../../support/openapi.js'
import { agentOf } from '../../support/master-views.js'

const endpoints = [
  jsonEndpoint({
    path: '/api/v1/agents/{agentId}',
    summary: 'One agent',
    answer: agentView,
    errors: [404],
    read: () => undefined,
  }),
  writeEndpoint({
    method: 'post',
    path: '/api/v1/agents/{agentId}',
    summary: 'Changes it',
    body: schema.object({ graceMs: schema.optional(schema.integer()) }),
    answer: changesView,
    errors: [409],
    perform: async () => ({ ok: true }),
  }),
  streamEndpoint({
    path: '/api/v1/logs',
    summary: 'A log',
    query: { limit: schema.integer({ minimum: 1, description: 'how many bytes' }) },
    headers: { 'X-Log-Size': 'how long it is' },
    contentType: 'text/plain',
    anyMaster: true,
    write() {},
  }),
]
// As a client gets it.
const description = JSON.parse(JSON.stringify(describeEndpoints(endpoints, '1.2.3')))

describe('the OpenAPI description', () => {
  it('names the shapes of the views, once', () => {
    const { Agent, State } = description.components.schemas
    expect(Agent.required).to.include.members(['agentId', 'allocated', 'offered', 'free'])
    expect(State.properties.agents).to.deep.equal({
      type: 'array',
      items: { $ref: '#/components/schemas/Agent' },
    })
  })

  it('describes a JSON answer with its path parameter and its errors', () => {
    const error = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }
    expect(description.paths['/api/v1/agents/{agentId}'].get).to.deep.equal({
      summary: 'One agent',
      operationId: 'getAgentsByAgentId',
      parameters: [{ name: 'agentId', in: 'path', required: true, schema: { type: 'string' } }],
      responses: {
        200: {
          description: 'as asked',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Agent' } } },
        },
        307: { description: 'another master leads: ask there' },
        400: { description: 'a parameter or the body is wrong', content: error },
        404: { description: 'there is none', content: error },
        503: {
          description:
            'it cannot be done now: no leader is known, or the agent or the registry cannot be reached',
          content: error,
        },
      },
    })
  })

  it('describes what changes something, with its body, beside what reads it', () => {
    const { get, post } = description.paths['/api/v1/agents/{agentId}']
    const { operationId, requestBody, responses } = post
    expect({
      read: get.operationId,
      operationId,
      requestBody,
      done: responses[200],
      statuses: Object.keys(responses),
    }).to.deep.equal({
      read: 'getAgentsByAgentId',
      operationId: 'postAgentsByAgentId',
      requestBody: {
        required: false,
        content: {
          'application/json': {
            schema: { type: 'object', required: [], properties: { graceMs: { type: 'integer' } } },
          },
        },
      },
      done: {
        description: 'done: what has changed',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Changes' } } },
      },
      statuses: ['200', '307', '400', '403', '409', '413', '415', '503'],
    })
  })

  it('describes query parameters, headers and text', () => {
    const { parameters, responses } = description.paths['/api/v1/logs'].get
    expect({ parameters, ok: responses[200], statuses: Object.keys(responses) }).to.deep.equal({
      parameters: [
        {
          name: 'limit',
          in: 'query',
          description: 'how many bytes',
          schema: { type: 'integer', minimum: 1 },
        },
      ],
      ok: {
        description: 'as asked',
        headers: { 'X-Log-Size': { description: 'how long it is', schema: { type: 'string' } } },
        content: { 'text/plain': { schema: { type: 'string' } } },
      },
      statuses: ['200', '400'],
    })
  })

  describe('held against an answer', () => {
    const answer = { method: 'GET', path: '/api/v1/agents/agent-1', status: 200, body: agentOf('agent-1') }

    it('accepts one that is as described', () => {
      expectMatchesOpenApi(description, answer)
    })

    it('refuses a field that is missing, wrong or not described, and a status that is not', () => {
      const { hostname: _, ...nameless } = answer.body
      const wrong = [
        { ...answer, body: nameless },
        { ...answer, body: { ...answer.body, taskCount: -1 } },
        { ...answer, body: { ...answer.body, colour: 'red' } },
        { ...answer, status: 418 },
        { ...answer, path: '/api/v1/elsewhere' },
      ]
      for (const each of wrong) expect(() => expectMatchesOpenApi(description, each)).to.throw()
    })
  })
})
