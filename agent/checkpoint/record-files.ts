import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describeError, type Log } from '@tender/sdk/runtime'
import { DiskError } from './disk-error.js'

/** Version of the files. */
const fileVersion = 1

/** A file is whole, and was written by a newer Tender. */
export class NewerFileError extends Error {
  override readonly name = 'NewerFileError'
  constructor(path: string, v: number) {
    super(
      `${path} was written by a newer Tender (version ${v}; this one reads up to ${fileVersion}); start that one again, nothing was changed`,
    )
  }
}

interface Checked {
  readonly v: number
  /** SHA-256 of the record's JSON: a torn or changed file is recognised. */
  readonly sha256: string
  readonly record: unknown
}

const nextSuffix = '.next'
const corruptSuffix = '.corrupt'

/**
 * Files of one record each. A record is written beside the old one, synchronised to the disk, and then takes its place,
 * so that there is always a whole one. What cannot be read is set aside and named in the log, and never stops the agent.
 */
export class RecordFiles {
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * To be asked before anything is read: what a newer Tender has written is no damage to be set aside.
   * @throws NewerFileError when one of the files below the directory is of a newer version
   */
  async refuseNewer(directory: string): Promise<void> {
    const names = await readdir(directory, { recursive: true }).catch(() => [])
    for (const name of names.filter(each => each.endsWith('.json')).toSorted()) {
      const path = join(directory, name)
      const { v, sha256, record } = parsed(await readFile(path, 'utf8').catch(() => ''))
      if (typeof v === 'number' && v > fileVersion && sha256 === hash(JSON.stringify(record ?? null)))
        throw new NewerFileError(path, v)
    }
  }

  /** Undefined when it is not there, or is damaged: then it has been set aside. */
  async read<T>(path: string, isOne: (record: unknown) => record is T): Promise<T | undefined> {
    try {
      const { v, sha256, record } = JSON.parse(await readFile(path, 'utf8')) as Checked
      if (v !== fileVersion) throw new TypeError(`its version is ${v}, this program reads ${fileVersion}`)
      if (sha256 !== hash(JSON.stringify(record))) throw new TypeError('its checksum is wrong')
      if (isOne(record)) return record
      throw new TypeError('its checksum is right, but it is not what it should be')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      await this.setAside(path, describeError(error))
      return undefined
    }
  }

  /**
   * On the disk when it returns. Synchronous on purpose: it takes half a millisecond, most of it the disk's, and the
   * launch that waits for it would lose more than that on the way through a pool of threads.
   * @throws DiskError
   */
  write(path: string, record: unknown): void {
    const json = JSON.stringify(record)
    const text = `{"v":${fileVersion},"sha256":"${hash(json)}","record":${json}}`
    const next = path + nextSuffix
    onDisk(() => {
      try {
        writeSynchronised(next, text)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        mkdirSync(dirname(path), { recursive: true })
        writeSynchronised(next, text)
      }
      renameSync(next, path)
      synchronise(dirname(path))
    })
  }

  /** @throws DiskError */
  remove(path: string): void {
    onDisk(() => rmSync(path, { force: true }))
    // The last file takes its directory along; that of another one does not let it be removed.
    try {
      rmdirSync(dirname(path))
    } catch {}
  }

  /** The records of a directory, by path; what a write has left half done there is removed. */
  async list(directory: string): Promise<string[]> {
    const names = await this.#namesIn(directory)
    const leftOver = names.filter(name => name.endsWith(nextSuffix))
    await Promise.all(leftOver.map(name => this.#removeQuietly(join(directory, name))))
    return names.filter(name => name.endsWith('.json')).map(name => join(directory, name))
  }

  /** The directories of a directory. What else is there does not belong there, and would be in the way. */
  async listDirectories(directory: string): Promise<string[]> {
    const names = await this.#namesIn(directory)
    return names.filter(name => !isSetAside(name)).map(name => join(directory, name))
  }

  async setAside(path: string, reason: string): Promise<void> {
    const aside = freeName(path + corruptSuffix)
    const fields = { file: path, reason }
    try {
      await rename(path, aside)
      this.#log.error('a checkpoint file cannot be read; it is set aside, the others count', {
        ...fields,
        setAside: aside,
      })
    } catch (error) {
      this.#log.error('a checkpoint file cannot be read, nor be set aside; the others count', {
        ...fields,
        error: describeError(error),
      })
    }
  }

  async #namesIn(directory: string): Promise<string[]> {
    try {
      return (await readdir(directory)).toSorted()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        await this.setAside(directory, describeError(error))
      }
      return []
    }
  }

  async #removeQuietly(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true }).catch((error: unknown) =>
      this.#log.warn('what was left of a write could not be removed', {
        file: path,
        error: describeError(error),
      }),
    )
  }
}

function isSetAside(name: string): boolean {
  return /\.corrupt(\.\d+)?$/.test(name)
}

/** What was set aside before stays, too. */
function freeName(path: string): string {
  for (let count = 1; ; count++) {
    const name = count === 1 ? path : `${path}.${count}`
    if (!existsSync(name)) return name
  }
}

function parsed(text: string): Partial<Checked> {
  try {
    return (JSON.parse(text) as Partial<Checked> | null) ?? {}
  } catch {
    return {}
  }
}

function onDisk(work: () => void): void {
  try {
    work()
  } catch (cause) {
    throw new DiskError(describeError(cause), { cause })
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function writeSynchronised(path: string, text: string): void {
  const bytes = Buffer.from(text)
  const file = openSync(path, 'w', 0o600)
  try {
    // A disk that is nearly full takes a part.
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** So that the rename itself survives a power failure. */
function synchronise(directory: string): void {
  const handle = openSync(directory, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
