import { randomBytes } from 'node:crypto'

/** Chance is given, never fetched: shells hold a source, cores get what they need of it as input. */
export interface Random {
  /** Hexadecimal digits, for ids and sessions. */
  hex(digits: number): string
}

export const systemRandom: Random = {
  hex: digits =>
    randomBytes(Math.ceil(digits / 2))
      .toString('hex')
      .slice(0, digits),
}
