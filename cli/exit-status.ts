/** What a command's exit status says. */
export const exitStatus = {
  /** Done, or stopped as asked. */
  ok: 0,
  /** It could not be done; the last line says why. */
  failure: 1,
  /** The command line was wrong. */
  usage: 2,
  /** A bug of this program: it stopped rather than go on wrongly. */
  bug: 70,
} as const
