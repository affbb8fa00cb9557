import { expect } from 'chai'
import { describe, it } from 'mocha'
import { fileURLToPath } from 'node:url'
import { relative } from 'node:path'
import { readAll } from '../../cli/simulate/files.js'
import { MasterWorld } from '../../cli/simulate/master-world.js'
import { failureLines } from '../../cli/simulate/report.js'
import { runScenario, type Outcome } from '../../cli/simulate/run.js'

// The files are not compiled: they are read where they were written.
const folder = fileURLToPath(new URL('../../../test/scenarios/allocator', import.meta.url))
const scenarios = await readAll([folder])
const files = [...new Set(scenarios.map(({ file }) => file))]

describe('the allocator', () => {
  for (const file of files) {
    describe(relative(folder, file), () => {
      for (const scenario of scenarios.filter(each => each.file === file)) {
        it(scenario.name, () => {
          expect(textOf(runScenario(scenario, settings => new MasterWorld(settings)))).to.equal('')
        })
      }
    })
  }
})

/** What went wrong, as `tender simulate` prints it. */
function textOf({ scenario, failure }: Outcome): string {
  return failure ? failureLines(scenario, failure).join('\n') : ''
}
