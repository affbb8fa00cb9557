import { type Request, type Response, Router } from 'express'
import type { AppRecord, AppState } from '../core/index.js'
import { toAppId } from '../definition/index.js'
import { createApp, type ServiceApi, updateApp } from './change-app.js'
import { HttpError } from './errors.js'
import { requireJson } from './body.js'
import { parseLabelSelector } from './label-selector.js'
import { appView, tasksView } from './views.js'

/** `/v2/apps`, with Marathon's meaning. An app's id contains slashes, and is written without the first one. */
export function appRoutes(service: ServiceApi): Router {
  const routes = Router()
  routes.get('/v2/apps', (request, response) => {
    const wanted = matcherOf(request)
    const withTasks = embeds(request, 'tasks')
    const apps = service.apps().filter(wanted)
    response.json({ apps: apps.map(state => view(service, state, withTasks)) })
  })
  routes.post('/v2/apps', requireJson, async (request, response) => {
    const { app: record } = await createApp(service, request.body)
    const { deploymentId } = record
    const state = service.app(record.id)
    response
      .status(201)
      .location(`/v2/apps${record.id}`)
      .set('Marathon-Deployment-Id', deploymentId)
      .json(state ? { ...view(service, state, false), deployments: [{ id: deploymentId }] } : record)
  })
  routes.get('/v2/apps/*id/tasks', (request, response) => {
    response.json({ tasks: tasksView(existing(service, request)) })
  })
  routes.get('/v2/apps/*id', (request, response) => {
    response.json({ app: view(service, existing(service, request), true) })
  })
  routes.put('/v2/apps/*id', requireJson, async (request, response) => {
    const isPartial = request.query.partialUpdate !== 'false'
    const { answer, isNew } = await updateApp(service, idOf(request), request.body, isPartial)
    if (isNew) response.status(201).location(`/v2/apps${answer.app.id}`)
    answerDeployment(response, answer.app)
  })
  routes.delete('/v2/apps/*id', async (request, response) => {
    const answer = await service.deleteApp(idOf(request))
    if (!answer.ok) throw new HttpError(404, answer.message)
    answerDeployment(response, answer.app)
  })
  return routes
}

function view(service: ServiceApi, state: AppState, withTasks: boolean) {
  const app = appView(state, { connection: service.connection, now: service.now() })
  return withTasks ? { ...app, tasks: tasksView(state) } : app
}

function answerDeployment(response: Response, { version, deploymentId }: AppRecord): void {
  response.set('Marathon-Deployment-Id', deploymentId).json({ version, deploymentId })
}

function existing(service: ServiceApi, request: Request): AppState {
  const id = idOf(request)
  const state = service.app(id)
  if (!state) throw new HttpError(404, `there is no app '${id}'`)
  return state
}

function idOf(request: Request): string {
  const segments = [request.params.id ?? []].flat()
  return toAppId(segments.filter(segment => segment !== '').join('/'))
}

/** `?id=` and `?cmd=` are parts of the text, `?label=` is a selector; all given must hold. */
function matcherOf({ query }: Request): (state: AppState) => boolean {
  const { id, cmd, label } = query
  const selects = typeof label === 'string' ? parseLabelSelector(label) : () => true
  return ({ app }) =>
    (typeof id !== 'string' || app.id.includes(id)) &&
    (typeof cmd !== 'string' || (app.cmd?.includes(cmd) ?? false)) &&
    selects(app.labels)
}

/** `?embed=apps.tasks`, `app.tasks` or `tasks`; `failures` implies tasks. Other values are for other views. */
function embeds({ query }: Request, what: string): boolean {
  return [query.embed ?? []]
    .flat()
    .map(value => (typeof value === 'string' ? value.split('.').at(-1) : undefined))
    .some(value => value === what || value === 'failures')
}
