import { amountOf, type Amounts } from './vectors.js'

/**
 * A dominant share as an exact fraction: what is held of the resource of which the largest part of the cluster is held
 * (Ghodsi et al., NSDI 2011), and the cluster's total of it.
 */
export interface Share {
  held: number
  total: number
  /** held / total, divided by the weight. */
  value: number
}

export function noShare(): Share {
  return { held: 0, total: 1, value: 0 }
}

/** Sets a share to the largest of the names that count. */
export function setDominant(
  share: Share,
  held: Amounts,
  totals: Amounts,
  counted: readonly boolean[],
  weight: number,
): void {
  share.held = 0
  share.total = 1
  let largest = 0
  for (let id = 0; id < held.length; id++) {
    const mine = amountOf(held, id)
    const total = amountOf(totals, id)
    if (mine <= 0 || total <= 0 || counted[id] === false) continue
    const part = mine / total
    if (part < largest || (part === largest && !isLarger(mine, total, share))) continue
    largest = part
    share.held = mine
    share.total = total
  }
  share.value = largest / weight
}

function isLarger(held: number, total: number, than: Share): boolean {
  return compareProducts(held, than.total, than.held, total) > 0
}

/** Below this, two products that are equal as doubles differ by less than 2 to the 31st. */
const exactLowBits = 2 ** 83

/**
 * Compares a * b with c * d exactly, for safe integers of 0 or more. Most differ as doubles, and rounding keeps the
 * order; where they do not, their lowest 32 bits tell, which `Math.imul` gives exactly.
 */
export function compareProducts(a: number, b: number, c: number, d: number): number {
  const [left, right] = [a * b, c * d]
  if (left !== right) return left - right
  if (left < exactLowBits) return (Math.imul(a, b) - Math.imul(c, d)) | 0
  const [one, other] = [BigInt(a) * BigInt(b), BigInt(c) * BigInt(d)]
  return one < other ? -1 : one > other ? 1 : 0
}

/** Doubles that differ by no more than this may be of equal fractions, or of fractions in the other order. */
const roundings = 1e-12

/** Exact: negative when `a` over its weight is smaller. Rounding decides nothing, not even far behind the point. */
export function compareShares(a: Share, weightOfA: number, b: Share, weightOfB: number): number {
  const difference = a.value - b.value
  if (Math.abs(difference) > roundings * (a.value + b.value)) return difference
  if (weightOfA === weightOfB) return compareProducts(a.held, b.total, b.held, a.total)
  const [upOfA, downOfA] = fractionOf(weightOfA)
  const [upOfB, downOfB] = fractionOf(weightOfB)
  const left = BigInt(a.held) * downOfA * BigInt(b.total) * upOfB
  const right = BigInt(b.held) * downOfB * BigInt(a.total) * upOfA
  return left < right ? -1 : left > right ? 1 : 0
}

/** A weight as its shortest decimal says it: 0.1 is one tenth, not the double next to it. */
function fractionOf(weight: number): [up: bigint, down: bigint] {
  if (Number.isSafeInteger(weight)) return [BigInt(weight), 1n]
  const [mantissa = '0', exponent = '0'] = String(weight).split('e')
  const [whole = '0', decimals = ''] = mantissa.split('.')
  const power = Number(exponent) - decimals.length
  const digits = BigInt(whole + decimals)
  return power >= 0 ? [digits * 10n ** BigInt(power), 1n] : [digits, 10n ** BigInt(-power)]
}

/** By code points, which is the order of the bytes in UTF-8. */
export function byName(a: string, b: string): number {
  if (a === b) return 0
  // The language compares halves of pairs as they are, which differs only where there are some.
  if (!pairs.test(a) && !pairs.test(b)) return a < b ? -1 : 1
  const [one, other] = [Array.from(a), Array.from(b)]
  for (let index = 0; index < Math.min(one.length, other.length); index++) {
    const difference = (one[index]?.codePointAt(0) ?? 0) - (other[index]?.codePointAt(0) ?? 0)
    if (difference !== 0) return difference
  }
  return one.length - other.length
}

const pairs = /[\ud800-\udfff]/
