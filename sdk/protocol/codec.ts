import { Packr } from 'msgpackr'
import { envelope, type Envelope, oldestProtocolVersion, protocolVersion, type Received } from './envelope.js'
import { ProtocolError } from './errors.js'
import type { Infer, Schema } from './schema.js'
import { describeProblems, validator, type Validator } from './validation.js'

/** The messages of one direction of a conversation: schema of the body, by kind. */
export type Messages = Readonly<Record<string, Schema<unknown>>>

/** A decoded message: which kind, its checked body, and the envelope around it. */
export type MessageOf<M extends Messages> = {
  [K in keyof M & string]: Omit<Envelope, 'kind' | 'body'> & { readonly kind: K; readonly body: Infer<M[K]> }
}[keyof M & string]

/** What came: a message, or why it is none. */
export type Decoded<M extends Messages> =
  | { readonly ok: true; readonly message: MessageOf<M> }
  | ({ readonly ok: false; readonly error: ProtocolError } & KnownOfRefused)

/** What is known of a message that is refused; all but its call only when the envelope at least could be read. */
export interface KnownOfRefused {
  readonly call?: string
  readonly number?: Received
  /** The version in which it was spoken. */
  readonly v?: number
}

// Maps with string keys, so that a client in any language reads them; other languages write a time in milliseconds as a
// 64 bit integer, which is a number here. One shared instance: `pack` must never be handed to Array.map, which would
// pass the index as options.
const packr = new Packr({ useRecords: false, int64AsType: 'number' })

export function encode(message: Envelope): Uint8Array {
  return packr.pack(message)
}

/** Bytes to a value, without a look at its shape. @throws ProtocolError `malformed` */
export function unpack(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes)
  } catch (error) {
    throw new ProtocolError(
      'malformed',
      `a message is a msgpack map, got ${bytes.length} bytes that are not msgpack`,
      {
        cause: error,
      },
    )
  }
}

const checkEnvelope = validator(envelope)

/** Makes the one place where a conversation's bytes become typed messages, or a clear refusal. */
export function decoder<M extends Messages>(messages: M): (bytes: Uint8Array) => Decoded<M> {
  const validators = new Map<string, Validator<unknown>>(
    Object.entries(messages).map(([kind, schema]) => [kind, validator(schema)]),
  )
  return bytes => {
    let raw: unknown
    try {
      raw = unpack(bytes)
    } catch (error) {
      return { ok: false, error: error as ProtocolError }
    }
    const call = callOf(raw)
    const outer = checkEnvelope(raw)
    const refuse = (error: ProtocolError): Decoded<M> => ({
      ok: false,
      error,
      ...(call === undefined ? {} : { call }),
      ...(outer.ok ? knownOf(outer.value) : {}),
    })
    if (!outer.ok)
      return refuse(new ProtocolError('malformed', `envelope: ${describeProblems(outer.problems)}`))
    const { v, kind, body } = outer.value
    if (!isReadable(v, kind)) {
      const spoken = `versions ${oldestProtocolVersion} to ${protocolVersion}`
      return refuse(new ProtocolError('unsupported-version', `this end speaks ${spoken}, got ${v}`))
    }
    const validate = validators.get(kind)
    if (!validate) {
      const known = Object.keys(messages).join(', ')
      return refuse(new ProtocolError('unknown-kind', `kind must be one of ${known}, got ${kind}`))
    }
    const inner = validate(body)
    if (!inner.ok)
      return refuse(new ProtocolError('malformed', `${kind}: ${describeProblems(inner.problems)}`))
    return { ok: true, message: outer.value as MessageOf<M> }
  }
}

/** A beacon is: its leader tells everybody, in its oldest version, and is to be heard by peers that are older or newer. */
function isReadable(v: number, kind: string): boolean {
  return kind === 'beacon' || (v >= oldestProtocolVersion && v <= protocolVersion)
}

function knownOf({ v, session, sequence }: Envelope): KnownOfRefused {
  return { v, number: { session, sequence } }
}

/**
 * Compiles the schemas of all these messages now, not each at its first message: for a process that is to be quick when
 * they come, and has time before.
 */
export function warmUp<M extends Messages>(decode: (bytes: Uint8Array) => Decoded<M>, messages: M): void {
  for (const kind of Object.keys(messages))
    decode(encode({ v: protocolVersion, kind, session: 'warm-up', sequence: 1, epoch: 0, body: {} }))
}

function callOf(raw: unknown): string | undefined {
  const call = typeof raw === 'object' && raw !== null ? (raw as { call?: unknown }).call : undefined
  return typeof call === 'string' && call.length > 0 && call.length <= 63 ? call : undefined
}
