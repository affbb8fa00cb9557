import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  mergeDefinition,
  needsNewInstances,
  normalise,
  validateDefinition,
} from '../../../frameworks/service/definition/index.js'

const base = { id: '/web', cmd: 'serve' }
const image = { docker: { image: 'nginx' } }
const bridge = [{ mode: 'container/bridge' }]

/** A wrong app, the path that is named, and a part of the rule. */
const wrong: readonly [app: unknown, path: string, rule: string][] = [
  [null, '', 'must be object'],
  [[base], '', 'must be object'],
  [{ cmd: 'serve' }, '/id', 'is required'],
  [{ ...base, id: 7 }, '/id', 'must be string'],
  [{ ...base, id: '/Web' }, '/id', 'lower-case'],
  [{ ...base, id: '/a//b' }, '/id', 'must be a path'],
  [{ ...base, id: '/-a' }, '/id', 'must be a path'],
  [{ ...base, id: '/a/tasks' }, '/id', 'must not end in restart, tasks, versions'],
  [{ ...base, id: '/..' }, '/id', 'must be a path'],
  [{ id: '/web' }, '/cmd', 'is required, unless there is args or container/docker/image'],
  [{ ...base, cmd: ' ' }, '/cmd', 'must not be empty'],
  [{ ...base, args: ['serve'] }, '/args', 'must not be given together with cmd'],
  [{ id: '/web', args: [] }, '/args', 'at least one item'],
  [{ ...base, cpus: 0 }, '/cpus', 'must be >= 0.001'],
  [{ ...base, cpus: '1' }, '/cpus', 'must be number'],
  [{ ...base, mem: 0 }, '/mem', 'must be >= 1'],
  [{ ...base, disk: -1 }, '/disk', 'must be >= 0'],
  [{ ...base, instances: 1.5 }, '/instances', 'must be integer'],
  [{ ...base, instances: -1 }, '/instances', 'must be >= 0'],
  [{ ...base, env: { A: 1 } }, '/env/A', 'must be string'],
  [{ ...base, env: { 'A=B': '1' } }, '/env/A=B', "without '='"],
  [{ ...base, labels: { a: true } }, '/labels/a', 'must be string'],
  [{ ...base, instancez: 3 }, '/instancez', 'is not a known field (known: id, cmd,'],
  [{ ...base, healthChecks: [{}] }, '/healthChecks', 'does not support yet'],
  [{ ...base, container: {} }, '/container/docker', 'is required'],
  [{ ...base, container: { docker: { image: 5 } } }, '/container/docker/image', 'must be string'],
  [{ ...base, container: { ...image, type: 'MESOS' } }, '/container/type', 'must be one of DOCKER'],
  [
    { ...base, networks: [{ mode: 'container' }] },
    '/networks/0/mode',
    'must be one of host, container/bridge',
  ],
  [{ ...base, networks: bridge }, '/networks/0/mode', 'needs container/docker/image'],
  [{ ...base, container: { ...image, portMappings: [{}] } }, '/container/portMappings', 'needs networks'],
  [
    { ...base, container: { docker: { image: 'nginx', portMappings: [{}] } } },
    '/container/docker/portMappings',
    'needs networks',
  ],
  [
    { ...base, networks: bridge, container: { ...image, portMappings: [{ containerPort: 70_000 }] } },
    '/container/portMappings/0/containerPort',
    'must be <= 65535',
  ],
  [
    { ...base, networks: bridge, container: image, portDefinitions: [{ port: 0 }] },
    '/portDefinitions',
    'is for the host network',
  ],
  [
    { ...base, networks: bridge, container: { docker: { image: 'nginx', network: 'BRIDGE' } } },
    '/container/docker/network',
    'must not be given together with networks',
  ],
  [
    { ...base, portDefinitions: [{ name: 'http' }, { name: 'HTTP' }] },
    '/portDefinitions/1/name',
    'must be different',
  ],
  [{ ...base, portDefinitions: [{ name: '-' }] }, '/portDefinitions/0/name', 'letters, digits'],
  [{ ...base, ports: [1], portDefinitions: [] }, '/ports', 'must not be given together with portDefinitions'],
  [{ ...base, ports: [8080, 8080], requirePorts: true }, '/ports/1', 'must not be taken twice'],
  [
    {
      ...base,
      networks: bridge,
      container: { ...image, portMappings: [{ hostPort: 80 }, { hostPort: 80 }] },
    },
    '/container/portMappings/1/hostPort',
    'must not be taken twice',
  ],
  [{ ...base, backoffSeconds: -1 }, '/backoffSeconds', 'must be >= 0'],
  [{ ...base, backoffFactor: 0.5 }, '/backoffFactor', 'must be >= 1'],
  [
    { ...base, backoffSeconds: 10, maxLaunchDelaySeconds: 5 },
    '/maxLaunchDelaySeconds',
    'must be at least backoffSeconds, which is 10',
  ],
  [{ ...base, role: 'other' }, '/role', "must be '*'"],
]

describe('service: app definitions', () => {
  for (const [app, path, rule] of wrong) {
    it(`refuses ${JSON.stringify(app)}: ${path || 'the whole'} ${rule}`, () => {
      const validated = validateDefinition(app, '*')
      const problems = validated.ok ? [] : validated.problems
      expect(problems.map(problem => problem.path)).to.deep.equal([path])
      expect(problems[0]?.rule).to.contain(rule)
    })
  }

  it('names all problems at once', () => {
    const validated = validateDefinition({ id: '/A', args: [], cpus: 1, ports: [0], role: 'x' }, '*')
    const paths = validated.ok ? [] : validated.problems.map(problem => problem.path)
    expect(paths).to.deep.equal(['/id', '/args', '/role'])
  })

  it('takes null, and empty fields of Marathon that are not supported yet, as not written', () => {
    const validated = validateDefinition({ ...base, args: null, dependencies: [], upgradeStrategy: {} }, '*')
    expect(validated).to.deep.equal({ ok: true, definition: base })
  })

  it("fills in Marathon's defaults", () => {
    expect(normalise(base, '*')).to.deep.equal({
      id: '/web',
      cmd: 'serve',
      cpus: 1,
      mem: 128,
      disk: 0,
      instances: 1,
      env: {},
      labels: {},
      networks: [{ mode: 'host' }],
      portDefinitions: [{ port: 0, protocol: 'tcp', labels: {} }],
      requirePorts: false,
      backoffSeconds: 1,
      backoffFactor: 1.15,
      maxLaunchDelaySeconds: 300,
      role: '*',
    })
  })

  it('reads the old places of a bridge and its ports as the new ones', () => {
    const docker = { image: 'nginx', network: 'BRIDGE' as const, portMappings: [{ containerPort: 80 }] }
    const old = normalise({ id: '/web', container: { docker } }, '*')
    const container = { docker: { image: 'nginx' }, portMappings: [{ containerPort: 80 }] }
    const recent = normalise({ id: '/web', container, networks: [{ mode: 'container/bridge' }] }, '*')
    expect(old).to.deep.equal(recent)
    expect(needsNewInstances(old, recent)).to.equal(false)
  })

  it('merges a partial update field by field; cmd and args replace each other, null removes', () => {
    const current = { id: '/web', cmd: 'serve', cpus: 2, env: { A: '1' } }
    expect(mergeDefinition(current, { instances: 3 })).to.deep.equal({ ...current, instances: 3 })
    expect(mergeDefinition(current, { args: ['x'], env: { B: '2' } })).to.deep.equal({
      id: '/web',
      args: ['x'],
      cpus: 2,
      env: { B: '2' },
    })
    const merged = validateDefinition(mergeDefinition(current, { cpus: null }), '*')
    expect(merged).to.deep.equal({ ok: true, definition: { id: '/web', cmd: 'serve', env: { A: '1' } } })
  })
})
