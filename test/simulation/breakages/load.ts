import type { Breakage } from './breakage.js'

interface Loaded {
  readonly source?: string | ArrayBuffer | NodeJS.TypedArray
}

let breakage: Breakage | undefined

export function initialize(chosen: Breakage): void {
  breakage = chosen
}

/** A hook of Node.js' module loader: breaks the one file as it is loaded. */
export async function load<C, L extends Loaded>(
  url: string,
  context: C,
  nextLoad: (url: string, context: C) => Promise<L>,
): Promise<L> {
  const loaded = await nextLoad(url, context)
  if (!breakage || !url.endsWith(`/${breakage.file}`)) return loaded
  const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source)
  return { ...loaded, source: broken(source, breakage) }
}

function broken(source: string, { name, file, find, replace }: Breakage): string {
  const parts = source.split(find)
  if (parts.length === 2) return parts.join(replace)
  throw new Error(
    `the breakage '${name}' wants to find its text once in ${file}, and finds it ${parts.length - 1} times`,
  )
}
