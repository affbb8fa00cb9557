import type { Capability, ConstraintGroups } from '@tender/sdk/protocol'
import { parseQuantities, Resources, type WireResources } from '@tender/sdk/values'
import type { Minimum } from '../../../master/allocator/types.js'

// Few and small amounts, so that they meet often: what fits exactly, what is a thousandth short, what is equal.

export const rolesOfTheTree = ['a', 'a/b', 'a/c', 'b', 'ab', '*']

export const plainAgents = [
  'cpus:2;mem:1024;ports:[31000-31009]',
  'cpus:4;mem:2048',
  'cpus:1;mem:512;disk:100;ports:[31000-31003]',
  'cpus:1.001;mem:333.333;disks:{sda,sdb}',
  'cpus:3;mem:256',
  'mem:1024;disk:50',
].map(text => Resources.parse(text))

export const specialAgents = [
  'cpus(a):2;cpus:1;mem:512',
  'cpus(a):1;cpus(a/b<a):1;mem:256;mem(b):256;ports(a):[100-103];ports:[31000-31003]',
  'cpus{revocable}:2;cpus:1;mem:512',
  'cpus:2;gpus:1;mem:512',
  'cpus:1;mem:256;disk:10;disk{mount}:20;disk{mount}:50;disk{mount}:50',
  'cpus:1;mem:128;disk(a)[v1:data]:5;disk(a)[v2:data]{shared}:5;disk(a):10',
  'cpus(a/b,dynamic):1;cpus(a,dynamic):1;cpus(ab):1;mem:1024;disk(b)[v3:data]{shared}:20',
].map(text => Resources.parse(text))

export const attributesPool = [{}, { rack: 'r1' }, { rack: 'r2', slots: 4 }]

export const weights = [1, 2, 0.1, 0.5, 3, 10, 1.001]

export const minima: readonly Minimum[] = [
  'cpus:0.01|mem:32',
  '',
  'cpus:1;mem:256',
  'cpus:0.5',
  'ports:2',
].map(text => (text === '' ? [] : text.split('|').map(each => parseQuantities(each))))

export const capabilityPool: readonly (readonly Capability[])[] = [
  [],
  ['revocable', 'shared', 'refinement', 'gpu'],
  ['gpu'],
  ['shared'],
  ['refinement'],
  ['revocable'],
]

export const constraintPool: readonly (ConstraintGroups | undefined)[] = [
  undefined,
  undefined,
  [[{ attribute: 'rack', equals: 'r1' }]],
  [[{ attribute: 'rack', exists: false }], [{ hostname: true, matches: 'host-?2' }]],
  [
    [
      { attribute: 'rack', notEquals: 'r1' },
      { attribute: 'slots', equals: 'x' },
    ],
  ],
]

export const guarantees = [
  '',
  'cpus:1',
  'cpus:2;mem:512',
  'cpus:4',
  'mem:1024',
  'cpus:1.5;ports:2',
  'disk:60',
  'gpus:1',
].map(text => parseQuantities(text))

export const limits = [
  '',
  'cpus:2',
  'cpus:0',
  'cpus:1.5;mem:700',
  'mem:1024',
  'disk:30',
  'cpus:5;ports:1',
].map(text => parseQuantities(text))

export const shapePool: readonly WireResources[] = [
  { cpus: 1 },
  { cpus: 0.5, mem: 128 },
  { cpus: 1, mem: 256, ports: 2 },
  { cpus: 0.5 },
  { mem: 256 },
  { cpus: 0.25, mem: 64 },
  { 'cpus{revocable}': 0.5 },
  { 'disk{mount}': [50] },
  { cpus: 0.5, gpus: 1 },
  { 'disk(a)[v1:data]': 5, cpus: 0.5 },
  { ports: [[31001, 31001]] },
]

export const runningTasks = ['cpus:0.5', 'cpus:1;mem:128', 'cpus:3;mem:64', 'cpus(a):0.5;mem:32'].map(text =>
  Resources.parse(text),
)

export function pick<T>(pool: readonly T[], number: number): T {
  const picked = pool[number % pool.length]
  if (picked === undefined && !pool.includes(undefined as T)) throw new RangeError('nothing to pick from')
  return picked as T
}

/** The elements whose bit is set. */
export function subset<T>(pool: readonly T[], bits: number): T[] {
  return pool.filter((_element, index) => (bits >> index) % 2 === 1)
}
