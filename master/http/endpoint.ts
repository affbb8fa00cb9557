import type { Reply, Schema } from '@tender/sdk/protocol'
import type { Request, Response } from 'express'
import type { QueryOf, QuerySchemas } from './query.js'

/** One request, its parameters read and checked. */
export interface Call<Q extends QuerySchemas = QuerySchemas> {
  readonly path: Readonly<Record<string, string>>
  readonly query: QueryOf<Q>
  readonly request: Request
  readonly response: Response
}

interface Described<Q extends QuerySchemas> {
  /** As OpenAPI writes it: `/api/v1/agents/{agentId}`. */
  readonly path: string
  readonly summary: string
  readonly query?: Q
  /** Headers of a good answer that clients may rely on, with what they say. */
  readonly headers?: Readonly<Record<string, string>>
  /** The errors it can answer, besides those that all endpoints share. */
  readonly errors?: readonly number[]
  /** Every master answers it; other endpoints are only the leader's to answer. */
  readonly anyMaster?: boolean
}

/** Answers with what `read` returns, as JSON. */
export interface JsonEndpoint<Q extends QuerySchemas = QuerySchemas> extends Described<Q> {
  readonly kind: 'json'
  readonly answer: Schema<unknown>
  read(call: Call<Q>): unknown
}

/** Writes its answer by itself. */
export interface StreamEndpoint<Q extends QuerySchemas = QuerySchemas> extends Described<Q> {
  readonly kind: 'stream'
  readonly contentType: string
  write(call: Call<Q>): Promise<void> | void
}

/** Changes something: answered with the result of the reply, or with its refusal. */
export interface WriteEndpoint<B = unknown, Q extends QuerySchemas = QuerySchemas> extends Described<Q> {
  readonly kind: 'write'
  readonly method: 'put' | 'post' | 'delete'
  /** Absent: it takes none. Fields that it does not name are refused. */
  readonly body?: Schema<B>
  readonly answer: Schema<unknown>
  perform(call: Call<Q>, body: B): Promise<Reply>
}

/** One method of one path of the API. The routes and the OpenAPI description are both made of these, so that they cannot differ. */
export type Endpoint = JsonEndpoint | StreamEndpoint | WriteEndpoint

export function methodOf(endpoint: Endpoint): 'get' | WriteEndpoint['method'] {
  return endpoint.kind === 'write' ? endpoint.method : 'get'
}

export function jsonEndpoint<const Q extends QuerySchemas>(
  endpoint: Omit<JsonEndpoint<Q>, 'kind'>,
): Endpoint {
  return { ...endpoint, kind: 'json' }
}

export function streamEndpoint<const Q extends QuerySchemas>(
  endpoint: Omit<StreamEndpoint<Q>, 'kind'>,
): Endpoint {
  return { ...endpoint, kind: 'stream' }
}

export function writeEndpoint<B, const Q extends QuerySchemas>(
  endpoint: Omit<WriteEndpoint<B, Q>, 'kind'>,
): Endpoint {
  return { ...endpoint, kind: 'write' }
}
