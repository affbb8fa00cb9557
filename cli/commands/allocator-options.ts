import { type Command, Option } from 'commander'
import type { AllocatorSettings } from '../../master/allocator/types.js'
import { minimum, names, positiveDuration, regionName, wholeNumber, yesOrNo } from '../options.js'

/** How a master shares out. */
export interface AllocatorOptions {
  readonly allocationInterval: number
  readonly allocateOnRelease: boolean
  readonly minAllocatable: AllocatorSettings['minAllocatable']
  readonly fairnessExcluded: readonly string[]
  readonly sorter: AllocatorSettings['sorter']
  readonly seed: number
  readonly region?: string
}

export function addAllocatorOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--allocation-interval <duration>', 'how often all that has come back is looked at')
        .default(1_000, '1s')
        .argParser(positiveDuration)
        .env('TENDER_ALLOCATION_INTERVAL'),
    )
    .addOption(
      new Option(
        '--allocate-on-release <boolean>',
        'true: offer at once what comes back; false: with the interval',
      )
        .default(true)
        .argParser(yesOrNo)
        .env('TENDER_ALLOCATE_ON_RELEASE'),
    )
    .addOption(
      new Option('--min-allocatable <amounts>', 'the least that an offer holds; | is or, ; is and')
        .default(minimum('cpus:0.01|mem:32'), 'cpus:0.01|mem:32')
        .argParser(minimum)
        .env('TENDER_MIN_ALLOCATABLE'),
    )
    .addOption(
      new Option('--fairness-excluded <names>', 'resources that do not count for fairness, such as gpus')
        .default([], 'none')
        .argParser(names)
        .env('TENDER_FAIRNESS_EXCLUDED'),
    )
    .addOption(
      new Option('--sorter <kind>', 'who comes first: by dominant share, or by weighted lot')
        .choices(['drf', 'random'])
        .default('drf')
        .env('TENDER_SORTER'),
    )
    .addOption(
      new Option('--seed <number>', 'where the lot decides')
        .default(1)
        .argParser(wholeNumber)
        .env('TENDER_SEED'),
    )
    .addOption(
      new Option('--region <name>', "the masters' own; others are for frameworks that know of regions")
        .argParser(regionName)
        .env('TENDER_REGION'),
    )
}

/** Whether declared demand counts is no choice of an operator's. */
export function allocatorSettings(options: AllocatorOptions): Omit<AllocatorSettings, 'demandAware'> {
  const { region } = options
  return {
    allocationIntervalMs: options.allocationInterval,
    allocateOnRelease: options.allocateOnRelease,
    minAllocatable: options.minAllocatable,
    fairnessExcluded: new Set(options.fairnessExcluded),
    sorter: options.sorter,
    seed: options.seed,
    ...(region === undefined ? {} : { region }),
  }
}
