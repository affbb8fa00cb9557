import { schema } from '@tender/sdk/protocol'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readQuery } from '../../../master/http/query.js'

const { boolean, integer, oneOf, string } = schema
const schemas = {
  stream: oneOf(['stdout', 'stderr']),
  limit: integer({ minimum: 1, maximum: 10 }),
  offset: integer(),
  follow: boolean(),
  framework: string(),
}

describe('a query', () => {
  it('is read by its schemas', () => {
    const query = { stream: 'stderr', limit: '10', offset: '-5', follow: '', framework: 'web' }
    expect(readQuery(query, schemas)).to.deep.equal({
      stream: 'stderr',
      limit: 10,
      offset: -5,
      follow: true,
      framework: 'web',
    })
  })

  const wrong: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ stream: 'out' }, 'stream: must be one of stdout, stderr, got "out"'],
    [{ limit: '0' }, 'limit: must be a whole number of 1 or more, at most 10, got "0"'],
    [{ limit: '1.5' }, 'limit: must be a whole number of 1 or more, at most 10, got "1.5"'],
    [{ offset: '' }, 'offset: must be a whole number, got ""'],
    [{ follow: 'yes' }, 'follow: must be one of true, false, got "yes"'],
    [{ framework: '' }, 'framework: must not be empty, got ""'],
    [{ limit: ['1', '2'] }, 'limit: must be given once, got ["1","2"]'],
    [
      { strem: 'x' },
      'strem: is not a known parameter (known: stream, limit, offset, follow, framework), got "x"',
    ],
  ]
  for (const [query, message] of wrong) {
    it(`is refused: ${message}`, () => {
      expect(() => readQuery(query, schemas)).to.throw(message)
    })
  }
})
