import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { root } from './run.mjs'

/**
 * Has what the tests need put up, and taken down when the work is done.
 * @param {(variables: Record<string, string>) => Promise<number>} work
 * @returns {Promise<number>}
 */
export async function withEnvironment(work) {
  const file = path.join(root, 'dist', 'test', 'support', 'environment.js')
  const { setUpEnvironment } = await import(pathToFileURL(file).href)
  const environment = await setUpEnvironment({ env: process.env, log: console.log })
  try {
    return await work(environment.variables)
  } finally {
    await environment.tearDown()
  }
}
