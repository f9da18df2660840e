import { readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { CodedError, messageOf } from '../base/errors.js'

export interface PidFile {
  /** Removes it, if it still is ours. */
  remove(): void
}

/**
 * Writes this process's id to `path`, as one line.
 *
 * @throws CodedError PID_FILE_IN_USE when the process that it names is alive and
 * was so when the file was written (a younger process has only inherited the
 * number); PID_FILE_FAILED when it cannot be written
 */
export function takePidFile(path: string): PidFile {
  const owner = readPid(path)
  if (owner !== undefined && owner !== process.pid && isOwner(owner, path)) {
    throw new CodedError('PID_FILE_IN_USE', `Cannot take the pid file "${path}" as the launcher that wrote it is running: pid ${owner}`, { details: { pid: owner } })
  }
  const draft = `${path}.${process.pid}`
  try {
    // Written beside and renamed: a reader sees a whole number or none.
    writeFileSync(draft, `${process.pid}\n`)
    renameSync(draft, path)
  } catch (cause) {
    rmSync(draft, { force: true })
    throw new CodedError('PID_FILE_FAILED', `Cannot write the pid file "${path}" as the system refuses: ${messageOf(cause)}`, { cause })
  }
  return { remove: () => { if (readPid(path) === process.pid) unlinkSync(path) } }
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim())
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

function isOwner(pid: number, path: string): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  try {
    // /proc/PID appears when its process begins; a zombie's state is Z.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const isZombie = stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
    return !isZombie && startedAt(stat) <= statSync(path).mtimeMs + CLOCK_GRAIN_MS
  } catch {
    return process.platform !== 'linux'
  }
}

const CLOCK_GRAIN_MS = 1_000
const TICKS_PER_SECOND = 100

/** When the process of this /proc/PID/stat began, in ms since 1970. @see proc(5), fields 22 and btime */
function startedAt(stat: string): number {
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  const bootSeconds = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1])
  return bootSeconds * 1_000 + (ticks / TICKS_PER_SECOND) * 1_000
}
