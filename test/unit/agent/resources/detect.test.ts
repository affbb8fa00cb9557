import { expect } from 'chai'
import { tmpdir } from 'node:os'
import { describe, it } from 'mocha'
import { parseCpuMax, parseMemberships, readCgroupLimits } from '../../../../agent/resources/cgroup.js'
import { detectResources, resourcesText } from '../../../../agent/resources/detect.js'

const mb = 1024 * 1024
const host = { cpus: 4, memBytes: 9_216 * mb, diskBytes: 25_600 * mb }

describe("a host's resources", () => {
  it('are all but a share that the host keeps', () => {
    expect(resourcesText(host)).to.equal('cpus:4;mem:8192;disk:20480;ports:[31000-32000]')
  })

  it('are half of a small host', () => {
    const small = { cpus: 1, memBytes: 2_047 * mb, diskBytes: 10_239 * mb }
    expect(resourcesText(small)).to.equal('cpus:1;mem:1023;disk:5119;ports:[31000-32000]')
    expect(resourcesText({ ...small, memBytes: 2_048 * mb })).to.contain('mem:1024')
  })

  it('are no more than the container allows that the agent runs in', () => {
    const limited = resourcesText({ ...host, cpuLimit: 1.5, memLimitBytes: 4_096 * mb })
    expect(limited).to.equal('cpus:1.5;mem:3072;disk:20480;ports:[31000-32000]')
    const unlimited = resourcesText({ ...host, cpuLimit: 64, memLimitBytes: 9_223_372_036_854_771_712 })
    expect(unlimited).to.equal(resourcesText(host))
  })

  it('are in thousandths of a CPU and whole MiB', () => {
    expect(resourcesText({ ...host, cpuLimit: 1 / 3, memLimitBytes: 4_096 * mb + 7 })).to.match(
      /^cpus:0.333;mem:3072;/,
    )
  })

  it('are measured here', async () => {
    expect(await detectResources(tmpdir())).to.match(/^cpus:[\d.]+;mem:\d+;disk:\d+;ports:\[31000-32000\]$/)
  })
})

describe('the limits of control groups', () => {
  it('are those of version 2, of all groups above as well', async () => {
    const limits = await limitsOf({
      '/proc/self/cgroup': '0::/system.slice/agent.service\n',
      '/sys/fs/cgroup/system.slice/cpu.max': '200000 100000\n',
      '/sys/fs/cgroup/system.slice/agent.service/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/system.slice/memory.max': '2147483648\n',
      '/sys/fs/cgroup/system.slice/agent.service/memory.max': '1073741824\n',
    })
    expect(limits).to.deep.equal({ cpuLimit: 2, memLimitBytes: 1_073_741_824 })
  })

  it("are those of version 1, also where the host's path is not to be seen", async () => {
    const limits = await limitsOf({
      '/proc/self/cgroup': '4:memory:/docker/1f\n3:cpu,cpuacct:/docker/1f\n0::/\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '536870912\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    })
    expect(limits).to.deep.equal({ cpuLimit: 0.5, memLimitBytes: 536_870_912 })
  })

  it('are none where there are none', async () => {
    expect(await limitsOf({})).to.deep.equal({})
    const unlimited = { '/sys/fs/cgroup/cpu.max': 'max 100000\n', '/sys/fs/cgroup/memory.max': 'max\n' }
    expect(await limitsOf(unlimited)).to.deep.equal({})
    expect(parseCpuMax('-1 100000')).to.equal(undefined)
  })

  it('are looked for by controller', () => {
    const memberships = parseMemberships('3:cpu,cpuacct:/a:b\n0::/c\n')
    expect(Object.fromEntries(memberships)).to.deep.equal({ cpu: '/a:b', cpuacct: '/a:b', '': '/c' })
  })
})

function limitsOf(files: Readonly<Record<string, string>>): Promise<unknown> {
  return readCgroupLimits(async path => files[path])
}
