import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What one turn took. */
export interface Cost {
  readonly ms: number
  /** Of this process, and of the children that ended meanwhile. */
  readonly cpuMs: number
  /** Of the parent's reads; NaN where it is not known. */
  readonly reads: number
}

/** Clock ticks of /proc, which Linux has fixed for programs. */
const TICK_MS = 10

/** Until the memory of what was collected has been given back, which V8 does in another thread. */
const FREED_MS = 50

setFlagsFromString('--expose-gc')
/** So that no contender pays for what the one before it has left. */
export const collectGarbage = runInNewContext('gc') as () => void

/** Measures `run`, which gives the number of its reads. */
export async function costOf(run: () => Promise<number>): Promise<Cost> {
  collectGarbage()
  await delay(FREED_MS)
  const cpu = process.cpuUsage()
  const children = childrenCpuMs()
  const start = performance.now()
  const reads = await run()
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  return { ms, reads, cpuMs: (user + system) / 1_000 + childrenCpuMs() - children }
}

/** @see proc(5), cutime and cstime of /proc/PID/stat */
function childrenCpuMs(): number {
  const text = readFileSync('/proc/self/stat', 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS
}
