import { createLog, describeError, type Log, type LogFormat, type LogLevel, silentLog } from '@tender/sdk'
import { settle } from '@tender/sdk/testing'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { spawnSync } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'

/** What a log prints, a line each. */
async function printed(
  format: LogFormat,
  write: (log: Log) => void,
  level: LogLevel = 'debug',
): Promise<string[]> {
  let output = ''
  const { stdout } = process
  const original = stdout.write.bind(stdout)
  stdout.write = (text: string | Uint8Array) => {
    output += String(text)
    return true
  }
  try {
    write(createLog({ name: 'test', format, level }))
    // JSON lines are written together at the end of a turn.
    await settle()
  } finally {
    stdout.write = original
  }
  return output.split('\n').filter(line => line !== '')
}

/** The fields of the one line that is printed as JSON. */
async function jsonFields(write: (log: Log) => void): Promise<Record<string, unknown>> {
  const [line = '{}', ...more] = await printed('json', write)
  expect(more).to.deep.equal([])
  const { _logMeta, time, ...fields } = JSON.parse(line) as Record<string, unknown>
  expect(Date.parse(String(time))).to.be.greaterThan(0)
  expect(_logMeta).to.include({ name: 'test' })
  return fields
}

/** The one line that is printed for people, without its time. */
async function prettyLine(write: (log: Log) => void): Promise<string> {
  const [line = '', ...more] = await printed('pretty', write)
  expect(more).to.deep.equal([])
  const plain = stripVTControlCharacters(line)
  expect(plain).to.match(/^\d\d:\d\d:\d\d\.\d{3} /)
  return plain.slice(13).replaceAll(/ +/g, ' ').trim()
}

describe('a log as JSON', () => {
  it('is one object a line, with level, message and fields', async () => {
    expect(
      await jsonFields(log => log.warn('an offer has expired', { offerId: '7-1', ageMs: 60_000 })),
    ).to.deep.equal({
      level: 'WARN',
      levelId: 4,
      message: 'an offer has expired',
      offerId: '7-1',
      ageMs: 60_000,
    })
  })

  it('keeps fields whose names it uses itself, under another name', async () => {
    const fields = { message: 'inner', level: 'high', time: 5, levelId: 1, _logMeta: 2 }
    expect(await jsonFields(log => log.info('outer', fields))).to.deep.include({
      message: 'outer',
      message_: 'inner',
      level_: 'high',
      time_: 5,
      levelId_: 1,
      _logMeta_: 2,
    })
  })
})

describe('a log for people', () => {
  it('has level, name, message and fields in a line', async () => {
    const line = await prettyLine(log =>
      log.error('it failed', { taskId: 't1', reason: 'no "space" left', code: 1 }),
    )
    expect(line).to.equal(String.raw`ERROR test it failed taskId=t1 reason="no \"space\" left" code=1`)
  })

  it('leaves out fields without a value', async () => {
    expect(await prettyLine(log => log.info('done', { agentId: undefined, taskId: 't1' }))).to.equal(
      'INFO test done taskId=t1',
    )
  })
})

describe('a log', () => {
  it('puts the fields that it was given once on each line', async () => {
    const lines = await printed('json', log => {
      const task = log.with({ agentId: 'a1' }).with({ taskId: 't1' })
      task.info('started')
      task.info('ended', { taskId: 't2', exitCode: 0 })
    })
    expect(lines).to.have.length(2)
    expect(JSON.parse(lines[0] ?? '')).to.include({ message: 'started', agentId: 'a1', taskId: 't1' })
    expect(JSON.parse(lines[1] ?? '')).to.include({ agentId: 'a1', taskId: 't2', exitCode: 0 })
  })

  it('prints only from its level up', async () => {
    const all = (log: Log) => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](level)
    }
    const lines = await printed('json', all, 'warn')
    const levels = lines.map(line => (JSON.parse(line) as { message: string }).message)
    expect(levels).to.deep.equal(['warn', 'error'])
  })

  it('tells an error with its causes', async () => {
    const error = new Error('no start', { cause: new Error('no image', { cause: 'no registry' }) })
    expect(describeError(error)).to.equal('no start: no image: no registry')
    expect(await jsonFields(log => log.error('failed', { error }))).to.include({
      error: 'no start: no image: no registry',
    })
  })

  const secrets: [name: string, fields: Record<string, unknown>][] = [
    ['a password', { password: 'hunter2' }],
    ['a name that ends in token', { accessToken: 'hunter2' }],
    ['an environment', { task: { env: { DB: 'hunter2' } } }],
    ['in a list', { tasks: [{ apiKey: 'hunter2' }] }],
    ['at any depth', { a: { b: { c: { d: { e: { f: { g: { h: { secret: 'hunter2' } } } } } } } } }],
    ['in a URL', { nats: 'nats://tender:hunter2@127.0.0.1:4222' }],
    ['in a URL of an error', { error: new Error('nobody answers at nats://tender:hunter2@host') }],
  ]
  for (const format of ['json', 'pretty'] as const) {
    for (const [name, fields] of secrets) {
      it(`hides a secret, ${format}: ${name}`, async () => {
        const lines = await printed(format, log => log.with(fields).info('connecting', fields))
        expect(lines).to.have.length(1)
        expect(lines[0]).not.to.contain('hunter2')
      })
    }

    it(`hides a secret in the message, ${format}`, async () => {
      const [line] = await printed(format, log => log.info('at nats://tender:hunter2@host:4222, as ever'))
      expect(line).to.contain('nats://[hidden]@host:4222, as ever')
    })

    it(`never fails, whatever it is given, ${format}`, async () => {
      const circle: Record<string, unknown> = {}
      circle['self'] = circle
      const strange = [
        circle,
        { nested: [5n, Symbol('s'), () => 1] },
        Object.create(null),
        5n,
        Symbol('s'),
        () => 1,
        new Map(),
        new Date(Number.NaN),
        null,
      ]
      expect(
        await printed(format, log => strange.forEach(value => log.info('strange', { value }))),
      ).to.have.length(9)
    })
  }

  it('may also be silent', async () => {
    expect(await printed('json', () => silentLog.with({ a: 1 }).error('nothing'))).to.deep.equal([])
  })

  for (const format of ['json', 'pretty']) {
    it(`prints the last line of a process that ends at once, ${format}`, () => {
      const script = `
        import { createLog } from '@tender/sdk'
        createLog({ name: 'test', format: '${format}', level: 'info' }).error('I end', { exitStatus: 3 })
        process.exit(3)
      `
      const run = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
      expect(run.stdout)
        .to.contain('I end')
        .and.to.match(/exitStatus"?[=:]3/)
    })
  }
})
