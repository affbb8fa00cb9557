import { createHash } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export interface WorkDirLock {
  release(): Promise<void>
}

/**
 * Makes sure that one agent at a time uses a work directory. A listening socket is the lock: it ends with the process
 * that holds it, however that ends.
 *
 * @throws Error when another agent uses the directory
 */
export async function lockWorkDir(workDir: string): Promise<WorkDirLock> {
  await mkdir(workDir, { recursive: true })
  const path = socketPath(resolve(workDir))
  const server = await listen(path).catch(async (error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    if (await answers(path)) {
      throw new Error(
        `the work directory ${workDir} is in use by another agent; stop it, or give another --work-dir`,
      )
    }
    await rm(path, { force: true })
    return await listen(path)
  })
  server.unref()
  return { release: () => new Promise(done => server.close(() => done())) }
}

/** A socket's path may have 107 bytes at most. */
function socketPath(workDir: string): string {
  const path = join(workDir, 'lock')
  if (Buffer.byteLength(path) <= 107) return path
  return join(
    tmpdir(),
    `tender-agent-${createHash('sha256').update(workDir).digest('hex').slice(0, 16)}.lock`,
  )
}

async function listen(path: string): Promise<Server> {
  const server = createServer(socket => socket.destroy())
  await new Promise<void>((done, fail) => server.once('error', fail).listen(path, done))
  return server
}

async function answers(path: string): Promise<boolean> {
  return await new Promise(done => {
    const socket = connect(path)
    socket.once('connect', () => done(true)).once('error', () => done(false))
    socket.unref()
  })
}
