import { errorCode } from './errors.js'
import { anything, boolean, type Infer, object, optional, string } from './schema.js'

/** The answer to a call; the envelope carries the call's id. What `result` holds depends on the call. */
export const reply = object({
  ok: boolean(),
  result: optional(anything()),
  code: optional(errorCode),
  message: optional(string()),
})

export type Reply = Infer<typeof reply>
