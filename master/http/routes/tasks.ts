import type { Clock } from '@tender/sdk/runtime'
import { taskView, type TaskView } from '../../core/view.js'
import { type Endpoint, jsonEndpoint, streamEndpoint } from '../endpoint.js'
import { HttpError, notFound } from '../errors.js'
import { streamLog } from '../log-stream.js'
import type { MasterPort } from '../port.js'
import { array, boolean, integer, oneOf, string } from '../schema.js'

const framework = string({ description: 'the id of the framework, when several have a task of this id' })

export function taskRoutes(master: MasterPort, clock: Clock): Endpoint[] {
  return [
    jsonEndpoint({
      path: '/api/v1/tasks',
      summary: 'All tasks, also those that have ended, as far as they are remembered',
      answer: array(taskView),
      read: () => master.tasks(),
    }),
    jsonEndpoint({
      path: '/api/v1/tasks/{taskId}',
      summary: 'One task',
      query: { framework },
      answer: taskView,
      errors: [404, 409],
      read: ({ path, query }) => findTask(master, path.taskId ?? '', query.framework),
    }),
    streamEndpoint({
      path: '/api/v1/tasks/{taskId}/logs',
      summary: 'The output of a task, as it is in its sandbox',
      query: {
        framework,
        stream: oneOf(['stdout', 'stderr'], { description: 'stdout unless told' }),
        offset: integer({ description: 'the first byte, 0 unless told; a negative one counts from the end' }),
        limit: integer({ minimum: 0, description: 'how many bytes at most; all unless told' }),
        follow: boolean({ description: 'go on with what is added until the task has ended' }),
      },
      headers: {
        'X-Log-Size': 'how long the log is by now, in bytes; not with follow',
        'X-Log-Offset': 'where in the log the first byte of the answer stands; not with follow',
      },
      contentType: 'text/plain',
      errors: [404, 409, 503],
      async write({ path, query, response }) {
        const task = findTask(master, path.taskId ?? '', query.framework)
        const { stream = 'stdout', offset = 0, limit = Number.POSITIVE_INFINITY, follow = false } = query
        await streamLog(response, {
          read: (from, maxBytes) => master.readLog(task, stream, from, maxBytes),
          clock,
          offset,
          limit,
          follow,
        })
      },
    }),
  ]
}

/** @throws HttpError when there is none, or several and no framework is named */
function findTask(master: MasterPort, taskId: string, frameworkId: string | undefined): TaskView {
  const tasks = master
    .tasksOfId(taskId)
    .filter(task => frameworkId === undefined || task.frameworkId === frameworkId)
  const [task] = tasks
  if (!task) {
    const what = frameworkId === undefined ? 'task' : `task of framework '${frameworkId}'`
    throw notFound(what, taskId, '/api/v1/tasks')
  }
  if (tasks.length === 1) return task
  const frameworkIds = tasks.map(each => each.frameworkId)
  throw new HttpError({
    code: 'ambiguous-task',
    message: `${tasks.length} frameworks have a task '${taskId}': name one with ?framework=, of ${frameworkIds.join(', ')}`,
    frameworkIds,
  })
}
