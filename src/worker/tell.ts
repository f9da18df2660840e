import type { ExitCode } from '../base/exit-code.js'
import type { WorkerMessage } from '../ipc/messages.js'

/** How long a last message may take before the process ends all the same. */
const LAST_MESSAGE_MS = 200

/** Sends to the launcher, and with `exitCode` ends the process when it has been sent. */
export function tell(message: WorkerMessage, exitCode?: ExitCode): void {
  const end = (): void => { if (exitCode !== undefined) process.exit(exitCode) }
  if (!process.send || !process.connected) return end()
  process.send(message, undefined, undefined, end)
  if (exitCode !== undefined) setTimeout(end, LAST_MESSAGE_MS)
}
