import type { ErrorCode } from '@tender/sdk/protocol'

/** Codes that came with version 2 of the protocol, and what said the same before. */
const codesOfVersion1: Partial<Record<ErrorCode, ErrorCode>> = {
  'stale-offer': 'invalid-offer',
  'torn-down': 'unknown-framework',
}

interface Coded {
  readonly code?: ErrorCode
}

/** A message as a peer of an older version can read it: fields that it does not know it lets pass, but not codes. */
export function readableBy(version: number, kind: string, body: object): object {
  if (version >= 2 || (kind !== 'reply' && kind !== 'failed')) return body
  const { result, ...rest } = body as Coded & { readonly result?: AcceptResult }
  return { ...olderCode(rest), ...(result === undefined ? {} : { result: olderResult(result) }) }
}

interface AcceptResult {
  readonly tasks?: readonly Coded[]
  readonly operations?: readonly Coded[]
}

function olderResult(result: AcceptResult): AcceptResult {
  const { tasks, operations } = result
  return {
    ...result,
    ...(tasks ? { tasks: tasks.map(olderCode) } : {}),
    ...(operations ? { operations: operations.map(olderCode) } : {}),
  }
}

function olderCode<T extends Coded>(coded: T): T {
  const older = coded.code && codesOfVersion1[coded.code]
  return older === undefined ? coded : { ...coded, code: older }
}
