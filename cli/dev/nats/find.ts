import { cachedBinary } from './cache.js'
import { findExecutable, foldersOfPath, messageOf } from './command.js'
import { debianPackage, type DebianOptions } from './debian.js'
import { dockerImage, type ImageOptions } from './image.js'
import { officialRelease, type ReleaseOptions } from './release.js'
import { type NatsSource, probeBinary } from './source.js'

export type FindOptions = {
  /** A server that runs already: it is used as it is, nothing is looked for. */
  readonly url?: string | undefined
  /** A binary that the user names: it is used or refused, nothing else is looked for. */
  readonly binary?: string | undefined
  /** The PATH to search. */
  readonly path: string
  /** Tender's own cache, see `tenderCacheDir`. */
  readonly cacheDir: string
  /** Is told what takes long, one line each. */
  readonly log: (line: string) => void
  /** Looked at after PATH: Debian puts the server in /usr/sbin, which a user's PATH may lack. */
  readonly systemFolders?: readonly string[]
  readonly debian?: DebianOptions | false
  readonly image?: ImageOptions | false
  readonly release?: ReleaseOptions | false
}

/** One place where a nats-server may come from. `look` throws with the reason why it has none. */
export type Place = { readonly name: string; readonly look: () => Promise<NatsSource> }

const systemFolders = ['/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin']

/** Finds a nats-server, fetching one when it must; throws one `NatsNotFoundError` that names every place tried. */
export async function findNatsServer(options: FindOptions): Promise<NatsSource> {
  if (options.url) return { kind: 'url', url: options.url }
  if (options.binary) return probeBinary(options.binary, 'given')
  return firstFound(placesOf(options))
}

export async function firstFound(places: readonly Place[]): Promise<NatsSource> {
  const failures: PlaceFailure[] = []
  for (const place of places) {
    try {
      return await place.look()
    } catch (error) {
      failures.push({ place: place.name, reason: messageOf(error) })
    }
  }
  throw new NatsNotFoundError(failures)
}

export type PlaceFailure = { readonly place: string; readonly reason: string }

export class NatsNotFoundError extends Error {
  readonly failures: readonly PlaceFailure[]

  constructor(failures: readonly PlaceFailure[]) {
    const tried = failures.map(({ place, reason }) => `  - ${place}: ${reason}`)
    super(
      [
        'No nats-server was found. Tried, in this order:',
        ...tried,
        'What helps: install it (Debian: apt-get install nats-server; macOS: brew install nats-server),',
        'or name a binary or the URL of a server that runs with JetStream (--nats nats://HOST:4222).',
      ].join('\n'),
    )
    this.name = 'NatsNotFoundError'
    this.failures = failures
  }
}

/** From what costs nothing to what needs the network. */
function placesOf(options: FindOptions): readonly Place[] {
  const { cacheDir, log, path } = options
  const folders = [...foldersOfPath(path), ...(options.systemFolders ?? systemFolders)]
  const places: Place[] = [
    { name: 'PATH and system folders', look: () => installedBinary(folders) },
    { name: 'cache', look: () => cachedBinary(cacheDir) },
  ]
  const { debian = {}, image = {}, release = {} } = options
  if (debian) {
    places.push({ name: "Debian's package", look: () => debianPackage({ cacheDir, folders, log }, debian) })
  }
  if (image) places.push({ name: 'Docker image', look: () => dockerImage({ folders, log }, image) })
  if (release) {
    places.push({ name: 'official release', look: () => officialRelease({ cacheDir, log }, release) })
  }
  return places
}

async function installedBinary(folders: readonly string[]): Promise<NatsSource> {
  const path = await findExecutable('nats-server', folders)
  if (!path) throw new Error(`no nats-server in ${folders.join(', ')}`)
  return probeBinary(path, 'installed')
}
