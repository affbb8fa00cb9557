import { chmod, copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { findExecutable } from './command.js'
import { type NatsSource, probeBinary } from './source.js'

/** Where Tender keeps what it has fetched: it can be deleted at any time. */
export function tenderCacheDir(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'tender')
}

export async function cachedBinary(cacheDir: string): Promise<NatsSource> {
  const folder = binaryFolder(cacheDir)
  const path = await findExecutable('nats-server', [folder])
  if (!path) throw new Error(`nothing kept in ${folder}`)
  return probeBinary(path, 'cache')
}

/** Keeps a fetched binary. The rename makes it appear whole or not at all, also to another Tender that starts now. */
export async function keepBinary(cacheDir: string, file: string, origin: string): Promise<NatsSource> {
  const folder = binaryFolder(cacheDir)
  await mkdir(folder, { recursive: true })
  const kept = join(folder, 'nats-server')
  const arriving = `${kept}.${process.pid}`
  await copyFile(file, arriving)
  await chmod(arriving, 0o755)
  try {
    await probeBinary(arriving, origin)
    await rename(arriving, kept)
  } finally {
    await rm(arriving, { force: true })
  }
  return probeBinary(kept, origin)
}

/** A folder of its own inside the cache, for the time of one piece of work. */
export async function withWorkFolder<T>(cacheDir: string, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(cacheDir, { recursive: true })
  const folder = await mkdtemp(join(cacheDir, 'work-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function binaryFolder(cacheDir: string): string {
  return join(cacheDir, 'nats-server')
}
