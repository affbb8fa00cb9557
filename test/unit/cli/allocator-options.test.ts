import { expect } from 'chai'
import { Command } from 'commander'
import { describe, it } from 'mocha'
import {
  addAllocatorOptions,
  type AllocatorOptions,
  allocatorSettings,
} from '../../../cli/commands/allocator-options.js'
import { defaultAllocatorSettings } from '../../../master/allocator/allocator.js'

/** The settings that follow from these words, or what is wrong with them. */
function settingsOf(...words: string[]): unknown {
  let wrong = ''
  const command = addAllocatorOptions(new Command('master'))
    .exitOverride()
    .configureOutput({ writeErr: text => (wrong += text) })
  try {
    command.parse(['node', 'tender', ...words])
  } catch {
    return wrong.trim()
  }
  return allocatorSettings(command.opts<AllocatorOptions>())
}

describe('how a master shares out, on the command line', () => {
  it("is the allocator's default unless told", () => {
    const { demandAware: _, ...defaults } = defaultAllocatorSettings
    expect(settingsOf()).to.deep.equal(defaults)
  })

  it('is as told', () => {
    const settings = settingsOf(
      ...['--allocation-interval', '250ms', '--allocate-on-release', 'false', '--sorter', 'random'],
      ...['--min-allocatable', 'cpus:0.5;mem:64|gpus:1', '--fairness-excluded', 'gpus, licences'],
      ...['--seed', '7', '--region', 'north'],
    )
    expect(settings).to.deep.equal({
      allocationIntervalMs: 250,
      allocateOnRelease: false,
      minAllocatable: [
        new Map([
          ['cpus', 500],
          ['mem', 64_000],
        ]),
        new Map([['gpus', 1_000]]),
      ],
      fairnessExcluded: new Set(['gpus', 'licences']),
      sorter: 'random',
      seed: 7,
      region: 'north',
    })
    expect(settingsOf('--min-allocatable', '')).to.deep.include({ minAllocatable: [] })
  })

  const wrong: readonly (readonly [flag: string, text: string, message: string])[] = [
    ['--allocation-interval', '0s', "it must be 1ms or longer, got '0s'."],
    ['--allocation-interval', '1', "a duration is like 500ms, 5s, 10m, 1h or 2d, got '1'."],
    ['--allocate-on-release', 'yes', "it must be true or false, got 'yes'."],
    ['--min-allocatable', 'cpus:0.01|mem', "resources 'mem', position 4: ':' and a value must follow 'mem'."],
    [
      '--min-allocatable',
      'cpus:0.01|',
      "position 11: there must be amounts such as cpus:0.01 on both sides of '|', got 'cpus:0.01|'.",
    ],
    [
      '--min-allocatable',
      'cpus(web):1',
      "resources 'cpus(web):1', position 1: a quantity is a plain name and a number, got 'cpus(web)'.",
    ],
    ['--fairness-excluded', 'gpus,,mem', "it is names of resources, joined by commas, such as gpus, got ''."],
    ['--sorter', 'fair', 'Allowed choices are drf, random.'],
    ['--seed', '-1', "it must be a whole number from 0 to 999999999, got '-1'."],
    [
      '--region',
      'north/north-1',
      "a region is of 1 to 200 characters without '/', such as north, got 'north/north-1'.",
    ],
  ]
  for (const [flag, text, message] of wrong) {
    it(`refuses ${flag} ${text}`, () => {
      expect(settingsOf(flag, text)).to.match(new RegExp(`^error: option '${flag} .*' is invalid\\. `))
      expect(settingsOf(flag, text)).to.include(message)
    })
  }
})
