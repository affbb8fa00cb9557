// A small web service that tells which of its instances answers. It needs nothing but Node, so it runs as it is: as a
// plain process, or in an image that holds little more than the node binary.
import { createServer } from 'node:http'
import { hostname } from 'node:os'
import process from 'node:process'

const { env } = process
// The first is set by Tender; PORT0 and PORT by other schedulers too; 8080 is for a container started by hand.
const port = Number(env.TENDER_LISTEN_PORT ?? env.PORT0 ?? env.PORT ?? 8080)
const instance = {
  instance: env.TENDER_TASK_ID ?? hostname(),
  app: env.TENDER_APP_ID ?? 'none',
  version: env.TENDER_APP_VERSION ?? 'none',
  host: env.HOST ?? hostname(),
  port: Number(env.PORT0 ?? port),
}

const server = createServer((request, response) => {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end()
    return
  }
  if (request.url === '/health') {
    answer(response, 'text/plain', 'ok\n')
  } else if (request.headers.accept?.includes('application/json')) {
    answer(response, 'application/json', `${JSON.stringify(instance)}\n`)
  } else {
    const { app, host, port: hostPort } = instance
    answer(response, 'text/plain', `Hello from ${instance.instance} of ${app}, at ${host}:${hostPort}\n`)
  }
})

function answer(response, type, body) {
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' }).end(body)
}

server.on('error', error => {
  console.error(`cannot listen on port ${port}: ${error.message}`)
  process.exitCode = 1
})
server.listen(port, () => console.log(`${instance.instance} listens on port ${port}`))

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    console.log(`${signal}: finishing what is under way`)
    server.close()
    server.closeIdleConnections()
  })
}
