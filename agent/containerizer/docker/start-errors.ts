import { type ContainerSpec, ContainerStartError } from '../containerizer.js'
import { messageOf, statusOf } from './engine.js'

/** Says in Tender's terms why the engine refused to create or to start a container. */
export function startError(spec: ContainerSpec, cause: unknown): ContainerStartError {
  if (cause instanceof ContainerStartError) return cause
  const message = messageOf(cause)
  if (statusOf(cause) === undefined) {
    return new ContainerStartError('start-failed', `the docker engine did not answer: ${message}`, { cause })
  }
  if (/port is already allocated|address already in use/i.test(message)) {
    const port = /:(\d+)(?: failed|: bind)/.exec(message)?.[1]
    const wanted = port ?? spec.portMappings.map(mapping => mapping.hostPort).join(', ')
    return new ContainerStartError('port-taken', `host port ${wanted} is already in use: ${message}`, {
      cause,
    })
  }
  if (/no such image/i.test(message)) {
    return new ContainerStartError('image-not-found', `image ${spec.image} is not on this host: ${message}`, {
      cause,
    })
  }
  if (/executable file not found|exec: .*: no such file or directory/i.test(message)) {
    return commandNotFound(
      /exec: "([^"]*)"/.exec(message)?.[1] ?? spec.command[0] ?? '',
      spec,
      message,
      cause,
    )
  }
  return new ContainerStartError(
    'start-failed',
    `the docker engine refused to start the container: ${message}`,
    {
      cause,
    },
  )
}

export function commandNotFound(
  program: string,
  spec: ContainerSpec,
  why: string,
  cause?: unknown,
): ContainerStartError {
  return new ContainerStartError(
    'command-not-found',
    `command ${JSON.stringify(program)} does not exist in image ${spec.image}: ${why}`,
    { cause },
  )
}
