import { createRequire, Module } from 'node:module'
import type Dockerode from 'dockerode'

/**
 * dockerode loads at once what only BuildKit sessions and ssh connections need: @grpc/grpc-js and protobufjs
 * (lib/session.js) and ssh2 (docker-modem/lib/ssh.js). Measured on Node 20.20: importing dockerode costs 19.4 MB of
 * resident memory and 207 modules; with these two files put off until somebody calls them, 10.1 MB and 56 modules.
 * An agent is there on every host, so we take the trouble.
 */
const requireHere = createRequire(import.meta.url)
const requireInDockerode = createRequire(requireHere.resolve('dockerode'))
const requireInModem = createRequire(requireInDockerode.resolve('docker-modem'))

putOff(requireInDockerode, './session')
putOff(requireInModem, './ssh')

export const Docker = requireHere('dockerode') as typeof Dockerode

/** Puts into the module cache, in place of a module that exports one function, a function that loads it when called. */
function putOff(require: NodeJS.Require, request: string): void {
  const path = require.resolve(request)
  if (require.cache[path]) return
  const exports = (...args: unknown[]): unknown => {
    delete require.cache[path]
    const load = require(path) as (...args: unknown[]) => unknown
    return load(...args)
  }
  require.cache[path] = Object.assign(new Module(path), { filename: path, loaded: true, exports })
}
