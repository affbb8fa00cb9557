import { agentView, completedFrameworkView, frameworkView, offerView, roleView } from '../../core/view.js'
import { type Endpoint, jsonEndpoint } from '../endpoint.js'
import { notFound } from '../errors.js'
import type { MasterPort } from '../port.js'
import { array } from '../schema.js'

/** Agents, frameworks, roles and offers: each as a list, and by its id. */
export function listRoutes(master: MasterPort): Endpoint[] {
  return [
    jsonEndpoint({
      path: '/api/v1/agents',
      summary: 'All agents, with what is allocated, offered and free',
      answer: array(agentView),
      read: () => master.agents(),
    }),
    jsonEndpoint({
      path: '/api/v1/agents/{agentId}',
      summary: 'One agent',
      answer: agentView,
      errors: [404],
      read: ({ path }) => found(master.agent(path.agentId ?? ''), 'agent', path.agentId),
    }),
    jsonEndpoint({
      path: '/api/v1/frameworks',
      summary: 'All frameworks, with what they hold and are offered',
      answer: array(frameworkView),
      read: () => master.frameworks(),
    }),
    jsonEndpoint({
      path: '/api/v1/frameworks/{frameworkId}',
      summary: 'One framework',
      answer: frameworkView,
      errors: [404],
      read: ({ path }) => found(master.framework(path.frameworkId ?? ''), 'framework', path.frameworkId),
    }),
    jsonEndpoint({
      path: '/api/v1/completed-frameworks',
      summary: 'Frameworks that have ended for good, newest first, as far as they are remembered',
      answer: array(completedFrameworkView),
      read: () => master.completedFrameworks(),
    }),
    jsonEndpoint({
      path: '/api/v1/roles',
      summary: 'All roles, with weight and dominant share',
      answer: array(roleView),
      read: () => master.roles(),
    }),
    jsonEndpoint({
      path: '/api/v1/roles/{role}',
      summary: "One role; a '/' in its name may stand as it is or as %2F",
      answer: roleView,
      errors: [404],
      read: ({ path }) => found(master.role(path.role ?? ''), 'role', path.role),
    }),
    jsonEndpoint({
      path: '/api/v1/offers',
      summary: 'The outstanding offers',
      answer: array(offerView),
      read: () => master.offers(),
    }),
    jsonEndpoint({
      path: '/api/v1/offers/{offerId}',
      summary: 'One offer, outstanding or ended not long ago',
      answer: offerView,
      errors: [404],
      read: ({ path }) => found(master.offer(path.offerId ?? ''), 'offer', path.offerId),
    }),
  ]
}

function found<T>(item: T | undefined, what: string, id: string | undefined): T {
  if (item === undefined) throw notFound(what, id ?? '', `/api/v1/${what}s`)
  return item
}
