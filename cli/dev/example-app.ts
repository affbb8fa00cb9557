import { readFile } from 'node:fs/promises'

interface App {
  readonly id: string
  readonly instances: number
  readonly container?: {
    readonly docker: { readonly image: string }
    readonly portMappings?: readonly { name?: string }[]
  }
  readonly [field: string]: unknown
}

export async function readExample(file: string): Promise<App> {
  return JSON.parse(await readFile(file, 'utf8')) as App
}

/** The same service as plain processes of this machine, for one without a docker engine. */
export function asProcess({ container, networks: _, ...app }: App, server: string): App {
  const ports = (container?.portMappings ?? []).map(({ name }) => ({
    port: 0,
    protocol: 'tcp',
    ...(name === undefined ? {} : { name }),
  }))
  return { ...app, args: [process.execPath, server], portDefinitions: ports }
}
