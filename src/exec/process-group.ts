import { spawn } from 'node:child_process'
import { codeOf } from '../base/errors.js'

/**
 * Signals every process of the group. A group that is gone is no error.
 *
 * Root's processes cannot be signalled by others, and sudo relays no SIGKILL: a
 * command that was started through a root helper is signalled through it, too.
 */
export function signalGroup(group: number, signal: NodeJS.Signals, rootHelper: readonly string[] = []): void {
  try {
    process.kill(-group, signal)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return
    const [helper, ...args] = rootHelper
    if (codeOf(error) !== 'EPERM' || helper === undefined) return
    spawn(helper, [...args, 'kill', '-s', signal.slice('SIG'.length), '--', `-${group}`], { stdio: 'ignore' }).on('error', () => {}).unref()
  }
}
