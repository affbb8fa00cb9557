import Mocha from 'mocha'

/** How long after the last test the process may still be busy before that is called a bug. */
const lingerMs = 10_000

/**
 * Mocha's own `spec`, and after it the skipped tests by name and one plain line that a script can read. With CI=true a
 * skipped test fails the run, since a machine that cannot run all tests proves less than it seems to.
 */
export default class Reporter extends Mocha.reporters.Spec {
  readonly #skipped: string[] = []

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    runner.on('pending', test => this.#skipped.push(test.fullTitle()))
    // As the process ends, not as the tests end: nothing may be printed after it.
    process.once('exit', () => console.log(this.#summary()))
  }

  override epilogue(): void {
    super.epilogue()
    if (this.#skipped.length === 0) return
    console.log(this.#skipsFail() ? 'Skipped, which fails a run with CI=true:' : 'Skipped:')
    for (const name of this.#skipped) console.log(`  - ${name}`)
    console.log()
  }

  override done(failures: number, finish?: (failures: number) => void): void {
    const status = failures + (this.#skipsFail() ? this.#skipped.length : 0)
    finish?.(status)
    // Mocha does not end the process (`exit: false`); when something keeps it alive, say what instead of hanging.
    setTimeout(() => {
      const kept = process.getActiveResourcesInfo().join(', ')
      console.error(`The tests have ended, but the process is kept alive by: ${kept}`)
      process.exit(status || 1)
    }, lingerMs).unref()
  }

  #skipsFail(): boolean {
    return process.env['CI'] === 'true'
  }

  #summary(): string {
    const counts = [`${this.stats.passes} passed`, `${this.stats.failures} failed`]
    if (this.#skipped.length > 0) counts.push(`${this.#skipped.length} skipped`)
    return counts.join(', ')
  }
}
