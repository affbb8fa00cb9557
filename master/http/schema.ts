import { schema } from '@tender/sdk/protocol'

/** The schema makers of the protocol, by their own names. */
export const { array, boolean, integer, object, oneOf, optional, string } = schema
