import { ranges as rangesOf, type Ranges } from '@tender/sdk'
import type { App } from '../definition/index.js'

/** One port that an app asks for. */
export interface PortWish {
  readonly name: string | undefined
  readonly protocols: readonly ('tcp' | 'udp')[]
  /** 0: any port of the offer. */
  readonly hostPort: number
  /** On a bridge: the port inside the container; 0: the same as the host port. */
  readonly containerPort: number | undefined
}

export function portWishes(app: App): PortWish[] {
  if (app.networks[0].mode === 'container/bridge') {
    return (app.container?.portMappings ?? []).map(({ name, protocol, hostPort, containerPort }) => ({
      name,
      protocols: protocolsOf(protocol),
      hostPort,
      containerPort,
    }))
  }
  return app.portDefinitions.map(({ name, protocol, port }) => ({
    name,
    protocols: protocolsOf(protocol),
    hostPort: app.requirePorts ? port : 0,
    containerPort: undefined,
  }))
}

function protocolsOf(protocol: string): ('tcp' | 'udp')[] {
  return protocol.split(',').map(each => (each === 'udp' ? 'udp' : 'tcp'))
}

/**
 * A host port for each wish, in order; undefined when there are not enough, or not the ones that are asked for.
 * Any ports are taken from a place that depends on the instance, not always the lowest: one port that something outside
 * the cluster occupies must not fail every instance.
 */
export function choosePorts(
  free: Ranges,
  wishes: readonly PortWish[],
  instanceId: string,
): number[] | undefined {
  const fixed = wishes.filter(wish => wish.hostPort > 0).map(wish => wish.hostPort)
  if (!fixed.every(port => rangesOf.includes(free, [[port, port]]))) return undefined
  const rest = rangesOf.difference(free, asRanges(fixed))
  const count = rangesOf.count(rest)
  if (wishes.length - fixed.length > count) return undefined
  let next = hash(instanceId)
  return wishes.map(wish => (wish.hostPort > 0 ? wish.hostPort : nth(rest, next++ % count)))
}

export function asRanges(ports: readonly number[]): Ranges {
  return rangesOf.normalize(ports.map(port => [port, port] as const))
}

function nth(ranges: Ranges, index: number): number {
  let left = index
  for (const [begin, end] of ranges) {
    if (left <= end - begin) return begin + left
    left -= end - begin + 1
  }
  throw new RangeError(`there is no port number ${index} in ${JSON.stringify(ranges)}`)
}

/** FNV-1a: any spread will do, as long as it is the same each time. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return value
}
