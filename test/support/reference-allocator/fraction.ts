/** An exact number, so that equal shares are equal. The denominator is above 0. */
export interface Fraction {
  readonly numerator: bigint
  readonly denominator: bigint
}

export const zero: Fraction = { numerator: 0n, denominator: 1n }

export function fraction(numerator: number, denominator: number): Fraction {
  return { numerator: BigInt(numerator), denominator: BigInt(denominator) }
}

export function compareFractions(one: Fraction, other: Fraction): number {
  const [left, right] = [one.numerator * other.denominator, other.numerator * one.denominator]
  return left < right ? -1 : left > right ? 1 : 0
}

export function dividedBy(one: Fraction, other: Fraction): Fraction {
  return {
    numerator: one.numerator * other.denominator,
    denominator: one.denominator * other.numerator,
  }
}

/** What a person reads when the number is printed: 0.1 is one tenth, not the double next to it. */
export function exactly(number: number): Fraction {
  const match = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(number))
  if (!match) throw new RangeError(`a weight is a number above 0, got ${number}`)
  const [, whole = '', decimals = '', exponent = '0'] = match
  const power = Number(exponent) - decimals.length
  const digits = BigInt(whole + decimals)
  return power >= 0
    ? { numerator: digits * 10n ** BigInt(power), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(-power) }
}

export function toNumber({ numerator, denominator }: Fraction): number {
  return Number(numerator) / Number(denominator)
}
