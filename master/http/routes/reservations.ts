import { resources, schema } from '@tender/sdk/protocol'
import { Resources } from '@tender/sdk/values'
import { operatorCalls, type OperatorCall } from '../../core/operator-calls.js'
import { type AgentView, changesView } from '../../core/view.js'
import { bodyOf } from '../body.js'
import { type Endpoint, jsonEndpoint, writeEndpoint } from '../endpoint.js'
import type { MasterPort } from '../port.js'
import { array, object, string } from '../schema.js'
import { readResources, writtenResources } from './values.js'

const { agentId } = schema.propertiesOf(operatorCalls.reserve)
const amount = bodyOf({ agentId, resources: writtenResources })

const reservationsView = object({
  agentId: string(),
  hostname: string(),
  /** What is reserved and no volume. */
  reserved: resources,
  volumes: resources,
})

/** What is set aside for roles on agents. */
export function reservationRoutes(master: MasterPort): Endpoint[] {
  const change = (
    method: 'post' | 'delete',
    path: '/api/v1/reservations' | '/api/v1/volumes',
    kind: Extract<OperatorCall, { readonly resources: unknown }>['kind'],
    summary: string,
  ) =>
    writeEndpoint({
      method,
      path,
      summary,
      body: amount,
      answer: changesView,
      errors: [404, 409],
      perform: (_, { agentId, resources }) =>
        master.operate({ kind, agentId, resources: readResources(resources) }),
    })
  return [
    jsonEndpoint({
      path: '/api/v1/reservations',
      summary: 'What is reserved, and the volumes, of all agents that have some',
      answer: array(reservationsView),
      read: () => master.agents().flatMap(viewReservations),
    }),
    change(
      'post',
      '/api/v1/reservations',
      'reserve',
      'Reserves what is free or offered; the resources as reserved',
    ),
    change('delete', '/api/v1/reservations', 'unreserve', 'Ends dynamic reservations that no task holds'),
    change(
      'post',
      '/api/v1/volumes',
      'create-volumes',
      'Makes volumes of reserved disk; the resources as volumes',
    ),
    change('delete', '/api/v1/volumes', 'destroy-volumes', 'Destroys volumes, and what is in them'),
  ]
}

function viewReservations({ agentId, hostname, resources }: AgentView) {
  const all = Resources.fromWire(resources).only(kind => kind.reservation !== undefined)
  if (all.isEmpty) return []
  const reserved = all.only(kind => kind.volume === undefined).toWire()
  const volumes = all.only(kind => kind.volume !== undefined).toWire()
  return [{ agentId, hostname, reserved, volumes }]
}
