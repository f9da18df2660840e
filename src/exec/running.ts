import { GroupGuard } from './group-guard.js'
import { signalGroup } from './process-group.js'

/** A command that runs now. */
export interface RunningCommand {
  /** Of the process that was started, and of its group. */
  readonly pid: number
  /** Secrets are masked. */
  readonly command: string
  /** Since the epoch, in ms. */
  readonly startedAt: number
}

interface Entry extends RunningCommand {
  readonly rootHelper: readonly string[]
  readonly diesWithParent: boolean
}

const commands = new Map<number, Entry>()
const guard = new GroupGuard()
let watchesExit = false

/** The commands of this process (in a thread: of this thread) that have not ended, in the order of their starts. */
export function running(): readonly RunningCommand[] {
  return [...commands.values()].map(({ pid, command, startedAt }) => ({ pid, command, startedAt }))
}

/** Has the group killed with this process, unless it is told to outlive it. */
export function enter(entry: Entry): void {
  if (!watchesExit) process.once('exit', killAll)
  watchesExit = true
  commands.set(entry.pid, entry)
  if (entry.diesWithParent) guard.add(entry.pid)
}

export function leave(pid: number): void {
  commands.delete(pid)
  guard.delete(pid)
}

function killAll(): void {
  for (const { pid, rootHelper, diesWithParent } of commands.values()) if (diesWithParent) signalGroup(pid, 'SIGKILL', rootHelper)
}
