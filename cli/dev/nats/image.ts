import { findExecutable, lastLine, run } from './command.js'
import { type NatsSource, type NatsVersion, oldestNats, parseVersion } from './source.js'

export type ImageOptions = { readonly image?: string; readonly pullTimeoutMs?: number }

type Surroundings = { readonly folders: readonly string[]; readonly log: (line: string) => void }

/** Docker's official image, when an engine answers that has it or can pull it. Nothing is started here. */
export async function dockerImage(around: Surroundings, options: ImageOptions): Promise<NatsSource> {
  const image = options.image ?? 'nats:2-alpine'
  const docker = await findExecutable('docker', around.folders)
  if (!docker) throw new Error('no docker command on this machine')

  const engine = await run(docker, ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 5_000 })
  if (!engine.ok) throw new Error(`no engine answers: ${lastLine(engine.stderr)}`)

  let variables = await imageVariables(docker, image)
  if (variables === undefined) {
    around.log(`pulling the Docker image ${image}`)
    const pulled = await run(docker, ['pull', '--quiet', image], {
      timeoutMs: options.pullTimeoutMs ?? 120_000,
    })
    if (!pulled.ok) throw new Error(`${image} cannot be pulled: ${lastLine(pulled.stderr)}`)
    variables = await imageVariables(docker, image)
  }
  return { kind: 'image', image, docker, version: versionOf(variables ?? '') }
}

async function imageVariables(docker: string, image: string): Promise<string | undefined> {
  const format = '{{range .Config.Env}}{{println .}}{{end}}'
  const answer = await run(docker, ['image', 'inspect', '--format', format, image], { timeoutMs: 10_000 })
  return answer.ok ? answer.stdout : undefined
}

/** The official images name their server's version in NATS_SERVER; of another image, assume the least. */
function versionOf(variables: string): NatsVersion {
  return parseVersion(/^NATS_SERVER=(.*)$/m.exec(variables)?.[1] ?? '') ?? oldestNats
}
