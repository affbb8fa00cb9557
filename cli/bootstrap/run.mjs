import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** The checkout's folder. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

/** A step that failed; its message is all that the user needs, without a stack. */
export class StepFailed extends Error {}

/**
 * Runs a program quietly. Its output is shown only when it fails.
 * @param {string} what for the message: "Building failed"
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<void>}
 */
export function runQuietly(what, program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', text => (output += text))
    child.stderr.on('data', text => (output += text))
    child.once('error', error => reject(new StepFailed(`${what} failed: ${error.message}`)))
    child.once('close', (status, signal) => {
      if (status === 0) return resolve()
      reject(new StepFailed(`${output.trimEnd()}\n${what} failed (${signal ?? `exit status ${status}`})`))
    })
  })
}

/**
 * Runs a Node.js program in the foreground, with our input and output, to its end.
 * @param {readonly string[]} args
 * @param {Record<string, string>} [variables] added to the environment
 * @returns {Promise<number>} its exit status, 128 and more for a signal, as a shell says it
 */
export function runInForeground(args, variables = {}) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...variables }
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' })
    // Ctrl-C reaches the child from the terminal itself; we only stay until it is done. SIGTERM is sent to us alone.
    const passOn = () => child.kill('SIGTERM')
    process.on('SIGINT', stay).on('SIGTERM', passOn)
    child.once('error', reject)
    child.once('exit', (status, signal) => {
      process.off('SIGINT', stay).off('SIGTERM', passOn)
      resolve(status ?? 128 + (signal ? os.constants.signals[signal] : 0))
    })
  })
}

function stay() {}

/**
 * Whether a module is the program that was started, not one that another has imported.
 * @param {string} url its import.meta.url
 */
export function isMain(url) {
  return process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(url)
}

/**
 * Runs a main function; its answer is the exit status, a failed step is told in its own words.
 * @param {() => Promise<number | void>} main
 */
export async function runMain(main) {
  try {
    const status = await main()
    if (status !== undefined) process.exitCode = status
  } catch (error) {
    console.error(error instanceof StepFailed ? error.message : error)
    process.exitCode = 1
  }
}
