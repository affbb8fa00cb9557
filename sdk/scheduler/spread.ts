/**
 * How long to wait so that many who have heard the same do not all speak at once: between 0 and `withinMs`, always the
 * same for the same text (FNV-1a).
 */
export function spreadMs(text: string, withinMs: number): number {
  let hash = 2_166_136_261
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619)
  return (hash >>> 0) % (withinMs + 1)
}
