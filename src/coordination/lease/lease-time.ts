import { performance } from 'node:perf_hooks'

/**
 * The two clocks of a lease, and the timer that watches them. Both clocks are
 * needed: `CLOCK_MONOTONIC` stands still while a laptop or a virtual machine is
 * suspended, and the wall clock may be set back.
 */
export interface LeaseTime {
  /** Milliseconds since some fixed moment; never goes back. */
  mono(): number
  /** Milliseconds since 1970; may jump. */
  wall(): number
  /** Calls `ring` once, `ms` from now on the monotonic clock or a little later. */
  timer(ms: number, ring: () => void): LeaseTimer
}

export interface LeaseTimer {
  cancel(): void
  /** Whether it keeps the process alive. At first it does. */
  keepAlive(wanted: boolean): void
}

export const systemLeaseTime: LeaseTime = {
  mono: () => performance.now(),
  wall: () => Date.now(),
  timer: (ms, ring) => {
    const timeout = setTimeout(ring, Math.ceil(ms))
    return {
      cancel: () => { clearTimeout(timeout) },
      keepAlive: (wanted) => { if (wanted) timeout.ref(); else timeout.unref() },
    }
  },
}
