import { changesView } from '../../core/view.js'
import { type Endpoint, writeEndpoint } from '../endpoint.js'
import type { MasterPort } from '../port.js'
import { boolean } from '../schema.js'
import { wrong } from './values.js'

/** Ending frameworks. */
export function frameworkRoutes(master: MasterPort): Endpoint[] {
  return [
    writeEndpoint({
      method: 'delete',
      path: '/api/v1/frameworks/{frameworkId}',
      summary: 'The framework ends for good: it is told so, its offers come back, and its tasks are killed',
      query: { confirm: boolean({ description: 'must be true, so that it is not done by accident' }) },
      answer: changesView,
      errors: [404],
      async perform({ path, query }) {
        if (query.confirm !== true)
          throw wrong('confirm', 'must be true to end a framework and kill its tasks', query.confirm)
        return await master.operate({ kind: 'tear-down', frameworkId: path.frameworkId ?? '' })
      },
    }),
  ]
}
