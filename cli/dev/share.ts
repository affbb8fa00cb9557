import { Resources, type ResourceValue } from '@tender/sdk/values'

/** Divides a machine among several agents, without overlap: amounts and ports into equal parts, rounded down. */
export function shareOf(total: Resources, index: number, count: number): Resources {
  return Resources.of([...total.entries()].map(([name, value]) => [name, part(value, index, count)] as const))
}

function part(value: ResourceValue, index: number, count: number): ResourceValue {
  switch (value.kind) {
    case 'scalar':
      return { kind: 'scalar', thousandths: Math.floor(value.thousandths / count) }
    case 'ranges': {
      const [first] = value.ranges
      if (!first) return value
      const size = Math.floor((first[1] - first[0] + 1) / count)
      const begin = first[0] + index * size
      return { kind: 'ranges', ranges: [[begin, begin + size - 1]] }
    }
    case 'set':
      return { kind: 'set', items: value.items.filter((_, position) => position % count === index) }
    case 'pieces':
      return { kind: 'pieces', pieces: value.pieces.filter((_, position) => position % count === index) }
  }
}
