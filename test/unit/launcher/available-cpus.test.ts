import assert from 'node:assert/strict'
import os from 'node:os'
import { test } from 'node:test'
import { availableCpus } from '#src/launcher/available-cpus.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

/** What this machine grants, whatever a quota says. */
const GRANTED = os.availableParallelism()

function atMost(quota: number): number {
  return Math.max(1, Math.min(GRANTED, quota))
}

const v2 = (quotas: Readonly<Record<string, string>>): Record<string, string> => ({
  'proc/self/cgroup': '0::/system.slice/reeve.service\n',
  ...Object.fromEntries(Object.entries(quotas).map(([group, text]) => [`sys/fs/cgroup${group}/cpu.max`, text])),
})

const cases: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
  ['no files at all', {}, GRANTED],
  ['v2: max', v2({ '/system.slice/reeve.service': 'max 100000\n' }), GRANTED],
  ['v2: one CPU', v2({ '/system.slice/reeve.service': '100000 100000\n' }), 1],
  ['v2: one and a half, rounded down', v2({ '/system.slice/reeve.service': '150000 100000\n' }), 1],
  ['v2: two, in another period', v2({ '/system.slice/reeve.service': '20000 10000\n' }), atMost(2)],
  ['v2: half a CPU is one', v2({ '/system.slice/reeve.service': '50000 100000\n' }), 1],
  ['v2: more than there are', v2({ '/system.slice/reeve.service': '99900000 100000\n' }), GRANTED],
  ['v2: the smallest on the way up', v2({ '/system.slice/reeve.service': 'max 100000\n', '/system.slice': '100000 100000\n' }), 1],
  ['v2: at the root, as a container sees its own', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '100000 100000\n' }, 1],
  ['v2: a path that is not in this namespace', { 'proc/self/cgroup': '0::/../../docker/abc\n', 'sys/fs/cgroup/cpu.max': '100000 100000\n' }, 1],
  ['v2: rubbish', v2({ '/system.slice/reeve.service': 'rubbish\n' }), GRANTED],
  ['v1: none', { 'proc/self/cgroup': '3:cpu,cpuacct:/a\n', 'sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '-1\n', 'sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000\n' }, GRANTED],
  ['v1: one CPU', { 'proc/self/cgroup': '3:cpu,cpuacct:/a\n', 'sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '100000\n', 'sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000\n' }, 1],
  ['v1: of the group above', { 'proc/self/cgroup': '4:cpuacct,cpu:/a/b\n', 'sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '100000\n', 'sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000\n' }, 1],
  ['v1: cpuset is not cpu', { 'proc/self/cgroup': '3:cpuset:/a\n', 'sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '100000\n', 'sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000\n' }, GRANTED],
]

for (const [what, files, expected] of cases) {
  test(`availableCpus(), ${what}`, (context) => assert.equal(availableCpus(temporaryFolder(context, files)), expected))
}

test('availableCpus() of this machine is at least 1 and at most what Node sees', () => {
  assert.ok(availableCpus() >= 1 && availableCpus() <= GRANTED)
})
