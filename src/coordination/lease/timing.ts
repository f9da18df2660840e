import type { LeaseTime } from './lease-time.js'

/**
 * When a lease counts as lost, as pure functions.
 *
 * The store measures a lease from when it executed the command; the holder from
 * just before it wrote it, which is earlier, and takes off what two clocks may
 * differ by. So the holder's deadline is over before the store's, however long
 * the answer took. `lost` aborts a margin before the deadline, so that the work has
 * time to stop while nobody else can hold.
 */

/** One reading of both clocks. */
export interface Moment {
  readonly mono: number
  readonly wall: number
}

/** A lease as its holder counts it: from `mono` and `wall`, immediately before the command was written, for `lengthMs`. */
export interface Term extends Moment {
  readonly lengthMs: number
}

/** How much faster the store's clock may run than ours. */
const DRIFT = 0.01
/** For timers that ring late and clocks that are read in whole milliseconds. */
const SLACK_MS = 5

const MIN_POLL_MS = 10
const MIN_WAITER_TTL_MS = 1_000
const MAX_WAITER_TTL_MS = 10_000
const MIN_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 1_000

export function momentOf(time: LeaseTime): Moment {
  return { mono: time.mono(), wall: time.wall() }
}

/**
 * By whichever clock has gone further: the monotonic one stands still in suspend.
 * A wall clock that is set forward makes a false loss, which is safe; one that is
 * set back changes nothing.
 */
export function elapsedMs(since: Moment, now: Moment): number {
  return Math.max(now.mono - since.mono, now.wall - since.wall)
}

/** `leftMs` as the store answered a command that was written at `sent`. */
export function termOf(sent: Moment, leftMs: number): Term {
  return { mono: sent.mono, wall: sent.wall, lengthMs: leftMs * (1 - DRIFT) - SLACK_MS }
}

/** To the deadline, in ms; 0 or less: it has passed. */
export function untilDeadlineMs(term: Term, now: Moment): number {
  return term.lengthMs - elapsedMs(term, now)
}

/** The time in which work that was told of the loss must stop: 15 % of the ttl, at least 500 ms, at most a third of the ttl. */
export function stopMarginMs(ttlMs: number): number {
  return Math.min(Math.max(0.15 * ttlMs, 500), ttlMs / 3)
}

/** From one renewal to the next: a third of the ttl ± 10 %, so that processes that started together do not go on together. */
export function renewEveryMs(ttlMs: number, random: number): number {
  return ttlMs / 3 * (0.9 + 0.2 * random)
}

/** When to renew, by the monotonic clock: a longer term, made by `extend()`, is renewed only near its end. */
export function renewAt(term: Term, ttlMs: number, random: number): number {
  return term.mono + Math.max(0, term.lengthMs - ttlMs + renewEveryMs(ttlMs, random))
}

/** From a failed renewal to the next try. */
export function retryEveryMs(ttlMs: number): number {
  return ttlMs / 10
}

/** What is due within so long is renewed together. */
export function togetherMs(ttlMs: number): number {
  return ttlMs / 12
}

/**
 * How long a waiting request is remembered by the store without being repeated. Less
 * than the lease itself: of a host that died the waiters are gone before its leases
 * are, and nobody stands in the queue in front of the living.
 */
export function waiterTtlMs(ttlMs: number): number {
  return Math.min(Math.max(Math.round(ttlMs * 2 / 3), MIN_WAITER_TTL_MS), MAX_WAITER_TTL_MS)
}

/** When to ask again, given what the store answered: two polls may be lost. A lost wake-up costs a third of the waiter's ttl, 3.3 s at most. */
export function pollAfterMs(retryMs: number, waiterMs: number, random: number): number {
  return Math.min(Math.max(retryMs, MIN_POLL_MS), 0.3 * waiterMs) * (1 + 0.1 * random)
}

/** When to ask a store again that could not be asked `failures` times in a row. */
export function backoffMs(failures: number, random: number): number {
  return Math.min(MIN_BACKOFF_MS * 2 ** Math.min(failures - 1, 10), MAX_BACKOFF_MS) * (0.5 + 0.5 * random)
}
