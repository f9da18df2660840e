import { systemClock, type Clock } from '../base/clock.js'

let nextTurn: Promise<void> | undefined

/**
 * Lets timers and I/O run, then goes on: for a loop that computes for long. A chain
 * of promises alone does not: microtasks run to their end before the event loop turns.
 * All who yield in one turn share one `setImmediate`.
 */
export function yieldNow(): Promise<void> {
  nextTurn ??= new Promise((resolve) => {
    setImmediate(() => {
      nextTurn = undefined
      resolve()
    })
  })
  return nextTurn
}

/**
 * A `yieldNow` for the inside of a hot loop, which yields only when `ms` have passed
 * since it last did; otherwise it gives undefined, at the price of reading the clock.
 *
 * ```ts
 * const breathe = yieldEvery(10)
 * for (const block of blocks) {
 *   checksum(block)
 *   await breathe()
 * }
 * ```
 */
export function yieldEvery(ms: number, { clock = systemClock }: { readonly clock?: Clock } = {}): () => Promise<void> | undefined {
  let due = clock.now() + ms
  return () => {
    if (clock.now() < due) return undefined
    return yieldNow().then(() => {
      due = clock.now() + ms
    })
  }
}
