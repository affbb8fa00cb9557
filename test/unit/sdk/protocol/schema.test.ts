import { describeProblems, type Infer, type Problem, schema, type Schema, validator } from '@tender/sdk'
import { expect } from 'chai'
import { describe, it } from 'mocha'

const {
  anyOf,
  anything,
  array,
  boolean,
  integer,
  nullable,
  number,
  object,
  oneOf,
  optional,
  record,
  strict,
  string,
} = schema

/** What is wrong with a value, as a person reads it. */
function wrong<T>(shape: Schema<T>, value: unknown): string {
  const checked = validator(shape)(value)
  return checked.ok ? '' : describeProblems(checked.problems)
}

const app = object({
  id: string({ pattern: '^/', maxLength: 10 }),
  instances: optional(integer({ minimum: 0 })),
  network: optional(oneOf(['bridge', 'host'])),
  ports: optional(array(object({ port: integer({ maximum: 65_535 }) }), { maxItems: 2 })),
  env: optional(record(string(), { maxProperties: 2 })),
})

describe('a schema', () => {
  it('is plain JSON Schema', () => {
    expect(app).to.deep.include({ type: 'object', required: ['id'] })
    expect(oneOf(['a', 1], { description: 'either' })).to.deep.equal({
      enum: ['a', 1],
      description: 'either',
    })
    expect(strict(object({ on: boolean() }))).to.deep.equal({
      type: 'object',
      required: ['on'],
      properties: { on: { type: 'boolean' } },
      additionalProperties: false,
    })
  })

  it('is also the type of what it accepts', () => {
    const typed: Infer<typeof app> = { id: '/web', ports: [{ port: 80 }], network: 'host' }
    // @ts-expect-error an integer is not text
    const mistyped: Infer<typeof app> = { id: '/web', instances: '3' }
    // @ts-expect-error id is required
    const incomplete: Infer<typeof app> = {}
    expect([typed, mistyped, incomplete].map(value => wrong(app, value) === '')).to.deep.equal([
      true,
      false,
      false,
    ])
  })

  it('can be made anew from its properties, each as required or optional as it was', () => {
    const larger = object({ ...schema.propertiesOf(app), version: string() })
    expect(larger.required).to.deep.equal(['id', 'version'])
    expect(larger.properties).to.have.all.keys('id', 'instances', 'network', 'ports', 'env', 'version')
  })
})

describe('validation', () => {
  it('gives the value back when nothing is wrong', () => {
    const value = { id: '/web', instances: 0 }
    expect(validator(app)(value)).to.deep.equal({ ok: true, value })
  })

  it('lets through what it does not know: a newer peer may send more', () => {
    expect(wrong(app, { id: '/web', colour: 'red' })).to.equal('')
  })

  it('names path, rule and value of each problem', () => {
    const checked = validator(app)({ id: 'web', instances: -1 })
    const problems: Problem[] = [
      { path: '/id', rule: 'must match pattern "^/"', value: 'web' },
      { path: '/instances', rule: 'must be >= 0', value: -1 },
    ]
    expect(checked).to.deep.equal({ ok: false, problems })
  })

  const cases: [name: string, shape: Schema<unknown>, value: unknown, message: string][] = [
    ['something missing', app, {}, '/id: is required, got nothing'],
    ['the wrong type', app, { id: 5 }, '/id: must be string, got 5'],
    ['no object', app, 'web', 'the whole: must be object, got "web"'],
    ['a fraction', app, { id: '/', instances: 1.5 }, '/instances: must be integer, got 1.5'],
    [
      'a large integer',
      app,
      { id: '/', instances: 2n ** 63n },
      '/instances: must be integer, got "9223372036854775808"',
    ],
    ['bytes', app, { id: new Uint8Array(3) }, '/id: must be string, got 3 bytes'],
    ['a choice', app, { id: '/', network: 'none' }, '/network: must be one of bridge, host, got "none"'],
    [
      'inside a list',
      app,
      { id: '/', ports: [{ port: 1 }, { port: 70_000 }] },
      '/ports/1/port: must be <= 65535, got 70000',
    ],
    [
      'a long list',
      app,
      { id: '/', ports: [{ port: 1 }, { port: 1 }, { port: 1 }] },
      '/ports: must NOT have more than 2 items, got [{"port":1},{"port":1},{"port":1}]',
    ],
    ['inside a record', app, { id: '/', env: { A: 1 } }, '/env/A: must be string, got 1'],
    [
      'a large record',
      app,
      { id: '/', env: { A: '', B: '', C: '' } },
      '/env: must NOT have more than 2 properties, got {"A":"","B":"","C":""}',
    ],
    [
      'an unknown field',
      strict(app),
      { id: '/', instance: 3 },
      '/instance: is not a known field (known: id, instances, network, ports, env), got 3',
    ],
    [
      'neither of a union',
      anyOf([string(), number()]),
      true,
      'the whole: must be string or number, got true',
    ],
    [
      'a union that is described',
      object({ a: anyOf([array(string(), {}), number({ description: 'a size' })]) }),
      { a: null },
      '/a: must be array or a size, got null',
    ],
    ['neither text nor null', nullable(string()), 1, 'the whole: must be string or null, got 1'],
  ]
  for (const [name, shape, value, message] of cases) {
    it(`tells of ${name}`, () => expect(wrong(shape, value)).to.equal(message))
  }

  it('takes any of a union, null where it may be, and anything', () => {
    expect(wrong(anyOf([string(), number()]), 5)).to.equal('')
    expect(wrong(nullable(string()), null)).to.equal('')
    expect(wrong(object({ body: anything() }), { body: new Uint8Array(1) })).to.equal('')
  })

  it('shows no more than five problems, and no more than the start of a long value', () => {
    const many = wrong(array(string()), [1, 2, 3, 4, 5, 6])
    expect(many.split('; ')).to.have.length(5)
    expect(wrong(string({ maxLength: 1 }), 'x'.repeat(5_000))).to.have.length.below(200)
  })

  it('shows what cannot be shown as what it is', () => {
    let deep: unknown = []
    for (let depth = 0; depth < 20_000; depth++) deep = [deep]
    expect(wrong(string(), deep)).to.equal('the whole: must be string, got a value nested too deeply to show')
  })
})
