import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** True while the process runs. A zombie has ended: `kill(pid, 0)` would say otherwise. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}

/** Every living process whose environment holds `entry`: those too that lost their parent. */
export function processesWith(entry: string): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(entry) && isAlive(pid)
    } catch {
      return false // It has ended, or it is somebody else's.
    }
  })
}

/** Sends a signal to a process that may have ended by now. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Asks `probe` again and again until it gives something, and gives that. Fails after `withinMs`. */
export async function until<T>(what: string, probe: () => T | false | undefined | null | Promise<T | false | undefined | null>, withinMs = 20_000): Promise<T> {
  const end = performance.now() + withinMs
  for (;;) {
    const found = await probe()
    if (found !== false && found !== undefined && found !== null) return found
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`)
    await sleep(POLL_MS)
  }
}

const POLL_MS = 10
