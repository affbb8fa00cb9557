import { isAtLeast, type NatsVersion } from './source.js'

export type ConfigOptions = {
  readonly name: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly storeDir: string
  readonly portsFileDir: string
  readonly version: NatsVersion
}

const syncIntervalSince: NatsVersion = { major: 2, minor: 10, patch: 0 }

/** The configuration of a single server with JetStream. */
export function natsConfig(options: ConfigOptions): string {
  const { name, host, port, storeDir, portsFileDir, version } = options
  // Without it an acknowledged write may be lost with the machine's power for up to two minutes. Debian's 2.9.10 does
  // not know the setting and would refuse to start.
  const sync = isAtLeast(version, syncIntervalSince) ? ['  sync_interval: always'] : []
  return [
    `server_name: ${quoted(name)}`,
    `listen: ${quoted(`${host}:${port === 0 ? -1 : port}`)}`,
    `ports_file_dir: ${quoted(portsFileDir)}`,
    'jetstream {',
    `  store_dir: ${quoted(storeDir)}`,
    ...sync,
    '}',
    '',
  ].join('\n')
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
