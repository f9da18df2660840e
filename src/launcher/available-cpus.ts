import { readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/**
 * How many CPUs this process may use: the smaller of its affinity mask and its
 * cgroup's quota (rounded down), at least 1. `os.availableParallelism()` alone
 * does not see the quota on Node 20.
 *
 * `root` is where the system's files are; tests hand in another one.
 * @see cgroups(7); Linux Documentation/admin-guide/cgroup-v2.rst, cpu.max
 */
export function availableCpus(root = '/'): number {
  const quota = Math.min(quotaV2(root), quotaV1(root))
  return Math.max(1, Math.min(os.availableParallelism(), Math.floor(quota)))
}

/** The smallest quota on the way from this process's cgroup up to the root, in CPUs. */
function quotaV2(root: string): number {
  const own = /^0::(.*)$/m.exec(read(root, 'proc/self/cgroup'))?.[1]
  if (own === undefined) return Number.POSITIVE_INFINITY
  const quotas = ancestors(own).map((group) => {
    const [quota, period] = read(root, `sys/fs/cgroup${group}/cpu.max`).trim().split(' ').map(Number)
    return cpus(quota, period)
  })
  return Math.min(...quotas)
}

function quotaV1(root: string): number {
  const own = /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/m.exec(read(root, 'proc/self/cgroup'))?.[1]
  if (own === undefined) return Number.POSITIVE_INFINITY
  const quotas = ancestors(own).map((group) => {
    const folder = `sys/fs/cgroup/cpu${group}`
    return cpus(Number(read(root, `${folder}/cpu.cfs_quota_us`)), Number(read(root, `${folder}/cpu.cfs_period_us`)))
  })
  return Math.min(...quotas)
}

/** `/a/b` → `/a/b`, `/a`, `` (the root). */
function ancestors(group: string): string[] {
  const parts = path.posix.normalize(group).split('/').filter((part) => part !== '' && part !== '..')
  return Array.from({ length: parts.length + 1 }, (_, up) => parts.slice(0, parts.length - up).map((part) => `/${part}`).join(''))
}

/** "max" (NaN here), -1 and missing files mean no limit. */
function cpus(quota: number | undefined, period: number | undefined): number {
  return quota && period && quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY
}

function read(root: string, file: string): string {
  try {
    return readFileSync(path.join(root, file), 'utf8')
  } catch {
    return ''
  }
}
