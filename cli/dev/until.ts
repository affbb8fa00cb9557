/** Asks again and again until there is an answer. @throws Error saying what was waited for, and what was last wrong */
export async function until<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const endMs = performance.now() + timeoutMs
  let last = 'no answer'
  while (performance.now() < endMs) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      last = (error as Error).message
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`${what} did not come about within ${timeoutMs / 1_000} s (${last})`)
}
