import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * What the kernel says of processes. Linux only, as the benchmarks are.
 * `kill(pid, 0)` succeeds on a zombie, so life and death are read in /proc.
 */

interface Stat {
  readonly state: string
  readonly parentPid: number
}

/** True while `pid` exists and is no zombie. */
export function isAlive(pid: number): boolean {
  const state = readStat(pid)?.state
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** `rootPid` and all its descendants, parents first. */
export function processTree(rootPid: number): number[] {
  const children = new Map<number, number[]>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)) {
    const stat = readStat(pid)
    if (stat) children.set(stat.parentPid, [...(children.get(stat.parentPid) ?? []), pid])
  }
  const tree = [rootPid]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree.filter(isAlive)
}

/** Resident memory, in bytes; 0 of a process that is gone. */
export function rssBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return Number(kib ?? 0) * 1024
}

/**
 * CPU time that the living threads of `pids` have had, in ms, user and system.
 * From schedstat, which counts nanoseconds; `stat` counts ticks of 10 ms, too
 * coarse for the idle CPU of nine processes.
 */
export function cpuMs(pids: readonly number[]): number {
  return pids.flatMap((pid) => threads(pid).map((tid) => threadCpuMs(pid, tid))).reduce((sum, ms) => sum + ms, 0)
}

/** SIGKILL to each of `pids` that is still there; waits until they are gone. */
export async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) signalIfAlive(pid, 'SIGKILL')
  await untilGone(pids, 5_000)
}

/** True once none of `pids` is alive; false when one still is after `timeoutMs`. */
export async function untilGone(pids: readonly number[], timeoutMs: number): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await delay(10)) {
    if (!pids.some(isAlive)) return true
  }
  return !pids.some(isAlive)
}

export function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    if (isAlive(pid)) process.kill(pid, signal)
  } catch {
    // It ended between the two calls.
  }
}

function readStat(pid: number): Stat | undefined {
  const text = read(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const [state = '', parentPid = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state, parentPid: Number(parentPid) }
}

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

function threadCpuMs(pid: number, tid: string): number {
  const [nanoseconds] = (read(`/proc/${pid}/task/${tid}/schedstat`) ?? '0').split(' ')
  return Number(nanoseconds) / 1e6
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
