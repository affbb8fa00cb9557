/**
 * Scalars are held as whole thousandths, so that sums and comparisons are exact: `1500` is 1.5 cpus. Mesos keeps
 * three decimals as well, but in doubles.
 */
export type Thousandths = number

/** The largest scalar, in thousandths; sums over a hundred thousand agents still fit a safe integer. */
export const largestThousandths: Thousandths = 10_000_000_000_000

/**
 * Nearest thousandth of a decimal number, halves away from zero (Mesos' rule).
 * @throws RangeError when it is negative, not finite or above 10,000,000,000
 */
export function toThousandths(value: number): Thousandths {
  const thousandths = Math.round(Math.abs(value) * 1000) * Math.sign(value)
  if (!Number.isFinite(value) || thousandths < 0 || thousandths > largestThousandths) {
    throw new RangeError(`a scalar must be from 0 to ${largestThousandths / 1000}, got ${value}`)
  }
  return thousandths
}

/** As a decimal number: 1500 becomes 1.5. */
export function fromThousandths(thousandths: Thousandths): number {
  return thousandths / 1000
}
