import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

/** Without these, it would run as root not at all, and look for its maker's hosts all the time. */
const browserArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface TestBrowser {
  readonly context: BrowserContext
  close(): Promise<void>
}

/** A real Chromium with a profile of its own. Undefined where there is none: then the test is to be skipped. */
export async function startBrowser(): Promise<TestBrowser | undefined> {
  const executablePath = process.env.TENDER_TEST_CHROMIUM
  if (!executablePath) return undefined
  const profileDir = await mkdtemp(join(tmpdir(), 'tender-chromium-'))
  const context = await chromium.launchPersistentContext(profileDir, {
    executablePath,
    headless: true,
    args: browserArguments,
    viewport: { width: 1280, height: 900 },
  })
  return {
    context,
    close: async () => {
      await context.close()
      await rm(profileDir, { recursive: true, force: true })
    },
  }
}

export async function openPage(browser: TestBrowser | undefined): Promise<Page> {
  if (!browser) throw new Error('there is no browser; the test should have been skipped')
  return await browser.context.newPage()
}
