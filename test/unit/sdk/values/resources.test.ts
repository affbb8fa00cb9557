import { isAllocatableTo, parseQuantities, Resources, ResourcesTextError } from '@tender/sdk/values'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { anyDisjointResources, anyResources } from './arbitraries.js'

const parse = (text: string) => Resources.parse(text)

describe('resources', () => {
  it('have one text form: by name, without zeros, ranges and sets in order', () => {
    const text = ' ports:[31005-31009, 31000-31004] ; mem:1024.500;gpus:0;disks:{sdb,sda,sdb};cpus:1.5;'
    expect(String(parse(text))).to.equal('cpus:1.5;disks:{sda,sdb};mem:1024.5;ports:[31000-31009]')
  })

  it('have a form for messages and JSON', () => {
    const wire = { cpus: 1.5, disks: ['sda'], ports: [[31_000, 31_009]] }
    expect(parse('cpus:1.5;disks:{sda};ports:[31000-31009]').toWire()).to.deep.equal(wire)
    expect(JSON.parse(JSON.stringify({ free: parse('cpus:1.5') }))).to.deep.equal({ free: { cpus: 1.5 } })
  })

  it('are exact to a thousandth, where doubles are not', () => {
    const tenth = parse('cpus:0.1')
    expect(0.1 + 0.2).not.to.equal(0.3)
    expect(tenth.plus(parse('cpus:0.2')).scalar('cpus')).to.equal(0.3)
    expect(String(Resources.sum(Array.from({ length: 1000 }, () => tenth)))).to.equal('cpus:100')
    expect(String(Resources.fromWire({ cpus: 0.1 + 0.2 }))).to.equal('cpus:0.3')
  })

  it('tell the amounts, ranges and names, and nothing for what is not there', () => {
    const resources = parse('cpus:0.25;ports:[1-3]')
    expect(resources.names()).to.deep.equal(['cpus', 'ports'])
    expect([resources.thousandths('cpus'), resources.scalar('cpus')]).to.deep.equal([250, 0.25])
    expect([resources.ranges('ports'), resources.ranges('cpus')]).to.deep.equal([[[1, 3]], []])
    expect([resources.scalar('mem'), resources.thousandths('ports')]).to.deep.equal([0, 0])
  })

  it('are empty when every amount is zero', () => {
    expect(parse('cpus:0;ports:[];disks:{}').isEmpty).to.equal(true)
    expect(parse('cpus:0').equals(Resources.none)).to.equal(true)
    expect(String(parse(''))).to.equal('')
  })

  it('add up what is of one kind', () => {
    expect(String(parse('cpus:1;cpus:2.5;cpus(a):1;cpus( a ):1'))).to.equal('cpus:3.5;cpus(a):2')
  })

  it('keep apart what is reserved, revocable, a volume or a mount', () => {
    const text =
      'cpus:1;cpus(a):1;cpus(a,dynamic):1;cpus(a/b<a):1;cpus(a/b<a,dynamic):1;cpus{revocable}:1;' +
      'disk(a)[v:data]:5;disk(a)[v:data]{shared}:5;disk{mount}:100;disk{mount}:100;ports(a):[1-2]'
    const all = parse(text)
    expect(String(all)).to.equal(text)
    expect(Resources.fromWire(all.toWire()).equals(all)).to.equal(true)
    expect(all.contains(parse('cpus:1.001'))).to.equal(false)
    expect([all.scalar('cpus'), all.scalar('disk')]).to.deep.equal([6, 210])
    expect(Object.fromEntries(all.quantities())).to.deep.equal({ cpus: 6000, disk: 210_000, ports: 2000 })
  })

  it('give a mount whole or not at all, and two of them stay two', () => {
    const two = parse('disk{mount}:100;disk{mount}:100')
    expect(two.contains(parse('disk{mount}:200'))).to.equal(false)
    expect(two.contains(parse('disk{mount}:50'))).to.equal(false)
    expect(String(two.minus(parse('disk{mount}:100')))).to.equal('disk{mount}:100')
    expect(two.toWire()).to.deep.equal({ 'disk{mount}': [100, 100] })
  })

  it('are for the role of their reservation and those below it', () => {
    const all = parse('cpus:1;cpus(a):2;cpus(a/b<a):4;cpus(ab):8')
    const forRole = (role: string) => String(all.only(kind => isAllocatableTo(kind, role)))
    expect(forRole('a')).to.equal('cpus:1;cpus(a):2')
    expect(forRole('a/b/c')).to.equal('cpus:1;cpus(a):2;cpus(a/b<a):4')
    expect(forRole('ab')).to.equal('cpus:1;cpus(ab):8')
    expect(forRole('*')).to.equal('cpus:1')
  })

  it('split ports, and never go below zero', () => {
    const all = parse('cpus:2;ports:[10-20]')
    expect(String(all.minus(parse('cpus:0.5;ports:[12-13]')))).to.equal('cpus:1.5;ports:[10-11,14-20]')
    expect(() => all.minus(parse('cpus:2.001'))).to.throw(RangeError, 'cpus:2.001 is not contained in cpus:2')
    expect(() => all.minus(parse('ports:[20-21]'))).to.throw(RangeError)
    expect(String(all.except(parse('cpus:3;ports:[15-30];mem:5')))).to.equal('ports:[10-14]')
  })

  it('refuse to mix kinds under one name', () => {
    expect(() => parse('cpus:1').plus(parse('cpus:[1-2]'))).to.throw(
      TypeError,
      'cpus is a scalar here and a ranges there',
    )
    expect(parse('cpus:1').contains(parse('cpus:{a}'))).to.equal(false)
  })

  it('refuse amounts that are no whole thousandths: a bug of the caller', () => {
    for (const thousandths of [-1, 0.5, Number.NaN, Infinity]) {
      expect(() => Resources.of([['cpus', { kind: 'scalar', thousandths }]])).to.throw(
        TypeError,
        'cpus must be',
      )
    }
  })

  describe('laws', () => {
    const holds = <T extends [unknown, ...unknown[]]>(property: fc.IPropertyWithHooks<T>) =>
      fc.assert(property)

    it('subtracting inverts adding', () => {
      holds(fc.property(anyDisjointResources, ([a, b]) => a.plus(b).minus(b).equals(a)))
    })

    it('adding is commutative and associative, and nothing changes nothing', () => {
      holds(
        fc.property(anyResources, anyResources, anyResources, (a, b, c) => {
          expect(String(a.plus(b))).to.equal(String(b.plus(a)))
          expect(String(a.plus(b).plus(c))).to.equal(String(a.plus(b.plus(c))))
          expect(String(a.plus(Resources.none))).to.equal(String(a))
          expect(String(Resources.none.plus(a))).to.equal(String(a))
        }),
      )
    })

    it('containment is a partial order', () => {
      holds(
        fc.property(anyResources, anyResources, anyResources, (a, b, c) => {
          expect(a.contains(a)).to.equal(true)
          if (a.contains(b) && b.contains(a)) expect(String(a)).to.equal(String(b))
          if (a.contains(b) && b.contains(c)) expect(a.contains(c)).to.equal(true)
          expect(a.plus(b).contains(a)).to.equal(true)
          expect(a.contains(Resources.none)).to.equal(true)
        }),
      )
    })

    it('equals means the same text', () => {
      holds(fc.property(anyResources, anyResources, (a, b) => a.equals(b) === (String(a) === String(b))))
    })

    it('except leaves what is over, and shares no port or name with what it took', () => {
      holds(
        fc.property(anyResources, anyResources, (a, b) => {
          const rest = a.except(b)
          expect(a.contains(rest)).to.equal(true)
          expect(String(rest.except(b).except(b))).to.equal(String(rest.except(b.plus(b))))
          if (a.contains(b)) expect(String(rest)).to.equal(String(a.minus(b)))
        }),
      )
    })

    it('nothing changes in place', () => {
      holds(
        fc.property(anyResources, anyResources, (a, b) => {
          const before = [String(a), String(b)]
          a.plus(b).except(a).equals(b)
          expect([String(a), String(b)]).to.deep.equal(before)
        }),
      )
    })

    it('text and wire form come back the same', () => {
      holds(
        fc.property(anyResources, resources => {
          expect(String(Resources.parse(String(resources)))).to.equal(String(resources))
          expect(String(Resources.fromWire(resources.toWire()))).to.equal(String(resources))
        }),
      )
    })
  })

  describe('wrong text', () => {
    const wrong: [text: string, message: string][] = [
      ['cpus', "resources 'cpus', position 5: ':' and a value must follow 'cpus'"],
      [
        'cpus:',
        "resources 'cpus:', position 6: a scalar is a number of 0 or more with up to 3 decimals, got ''",
      ],
      [
        'cpus:-1',
        "resources 'cpus:-1', position 6: a scalar is a number of 0 or more with up to 3 decimals, got '-1'",
      ],
      [
        'cpus:1e3',
        "resources 'cpus:1e3', position 6: a scalar is a number of 0 or more with up to 3 decimals, got '1e3'",
      ],
      [
        'cpus:0.0001',
        "resources 'cpus:0.0001', position 6: a scalar is a number of 0 or more with up to 3 decimals, got '0.0001'",
      ],
      [
        'cpus: 20000000000',
        "resources 'cpus: 20000000000', position 7: a scalar is at most 10000000000, got '20000000000'",
      ],
      [
        ':1',
        "resources ':1', position 1: a name is a letter followed by letters, digits, '.', '_' or '-', got ''",
      ],
      [
        'cpus:1;2mem:1',
        "resources 'cpus:1;2mem:1', position 8: a name is a letter followed by letters, digits, '.', '_' or '-', got '2mem'",
      ],
      ['cpus:1;cpus:{a}', "resources 'cpus:1;cpus:{a}', position 8: 'cpus' is a scalar above and a set here"],
      ['cpus(web:1', "resources 'cpus(web:1', position 9: ')' must close the '(' of 'cpus'"],
      [
        'cpus(a,b):1',
        "resources 'cpus(a,b):1', position 5: a reservation is '(role)', '(role,dynamic)' or '(a/b<a)', got '(a,b)'",
      ],
      [
        'cpus(a<a/b):1',
        "resources 'cpus(a<a/b):1', position 5: a reservation is refined for a role below it, such as 'a/b/x<a/b', got 'a<a/b'",
      ],
      [
        'cpus(a//b):1',
        "resources 'cpus(a//b):1', position 5: a role's parts between '/' must not be empty, got 'a//b'",
      ],
      [
        'cpus{spot}:1',
        "resources 'cpus{spot}:1', position 5: a flag is one of mount, revocable, shared, got 'spot'",
      ],
      [
        'cpus(a){revocable}:1',
        "resources 'cpus(a){revocable}:1', position 8: revocable resources cannot be reserved, got 'cpus(a){revocable}'",
      ],
      [
        'disk[v:/v]:1',
        "resources 'disk[v:/v]:1', position 5: a volume must be of reserved disk, got 'disk[v:/v]'",
      ],
      ['disk(a)[v]:1', "resources 'disk(a)[v]:1', position 8: a volume is '[id:path]', got '[v]'"],
      [
        'disk(a){shared}:1',
        "resources 'disk(a){shared}:1', position 8: only a volume can be shared, got 'disk(a){shared}'",
      ],
      [
        'disk{mount}:[1-2]',
        "resources 'disk{mount}:[1-2]', position 13: a scalar is a number of 0 or more with up to 3 decimals, got '[1-2]'",
      ],
      ['ports:[1-2', "resources 'ports:[1-2', position 11: ']' must close the ranges"],
      [
        'ports:[2-1]',
        "resources 'ports:[2-1]', position 7: a range is 'first-last' with first <= last, got '2-1'",
      ],
      [
        'ports:[80]',
        "resources 'ports:[80]', position 7: a range is 'first-last' with first <= last, got '80'",
      ],
      ['disks:{a', "resources 'disks:{a', position 9: '}' must close the set"],
      [
        'disks:{a,b c}',
        "resources 'disks:{a,b c}', position 7: a member is letters, digits or one of '_.:/-', got 'b c'",
      ],
    ]
    for (const [text, message] of wrong) {
      it(`'${text}' names the place and the rule`, () => {
        expect(() => parse(text)).to.throw(ResourcesTextError, message)
      })
    }

    it('of a quantity is all but plain names and numbers', () => {
      expect(Object.fromEntries(parseQuantities('cpus:0;mem:32'))).to.deep.equal({ cpus: 0, mem: 32_000 })
      for (const text of ['cpus(a):1', 'ports:[1-2]', 'cpus{revocable}:1'])
        expect(() => parseQuantities(text)).to.throw(
          ResourcesTextError,
          'a quantity is a plain name and a number',
        )
    })

    it('never fails in another way, whatever the text', () => {
      const hostile = fc.oneof(
        fc.string(),
        fc.string({
          unit: fc.constantFrom(
            'cpus',
            ':',
            ';',
            '[',
            ']',
            '{',
            '}',
            '(',
            ')',
            '<',
            'a/b',
            '-',
            ',',
            '1',
            '.',
            ' ',
          ),
        }),
      )
      fc.assert(
        fc.property(hostile, text => {
          try {
            parse(text)
          } catch (error) {
            expect(error).to.be.instanceOf(ResourcesTextError)
            expect((error as ResourcesTextError).position).to.be.within(0, text.length)
          }
        }),
      )
    })
  })

  it('from messages: a wrong amount or range is refused by name', () => {
    expect(() => Resources.fromWire({ cpus: -1 })).to.throw(
      RangeError,
      'cpus: a scalar must be from 0 to 10000000000, got -1',
    )
    expect(() => Resources.fromWire({ ports: [[5, 1]] })).to.throw(RangeError, 'ports: a range goes from')
    expect(() => Resources.fromWire({ ports: [[1, 2], 'x'] as never })).to.throw(RangeError, 'ports: a range')
  })
})
