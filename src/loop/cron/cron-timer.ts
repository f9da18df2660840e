import type { Clock } from '../../base/clock.js'
import { waitUntil } from '../wait-until.js'
import type { CronCalendar } from './cron-calendar.js'
import { dueFires, type DueFires } from './due-fires.js'

export interface CronTimerParts {
  readonly calendar: CronCalendar
  readonly clock: Clock
  /** The wall clock: ms since 1970. */
  readonly wallClock: () => number
  readonly toleranceMs: number
  /** The wall clock may go back by so much, in ms, and no fire is repeated. When it goes back further the schedule begins anew. */
  readonly maxClockSkewMs: number
  readonly onDue: (due: DueFires, now: number) => void
  readonly onSetBack: (byMs: number) => void
}

/** So often the wall clock is looked at: it may be set, and the machine may sleep, in which timers stand still. */
const LOOK_MS = 30_000

/**
 * Tells of each fire of a calendar when the wall clock has come to it, each once and
 * none before its time. Waits by the monotonic clock, in steps, so that a wall clock
 * that is set, or a machine that slept, is seen within `LOOK_MS`.
 */
export class CronTimer {
  readonly #with: CronTimerParts
  #due: number
  #seen: number

  constructor(parts: CronTimerParts) {
    this.#with = parts
    this.#seen = parts.wallClock()
    this.#due = parts.calendar.next(this.#seen)
  }

  /** The next fire, ms since 1970. */
  get due(): number {
    return this.#due
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, wallClock } = this.#with
    const waitMs = (): number => Math.max(1, Math.min(this.#due - wallClock(), LOOK_MS))
    while (await waitUntil(clock.now() + waitMs(), clock, signal)) this.#look()
  }

  #look(): void {
    const { calendar, wallClock, toleranceMs, maxClockSkewMs, onDue, onSetBack } = this.#with
    const now = wallClock()
    const backMs = this.#seen - now
    this.#seen = now
    if (backMs > maxClockSkewMs) {
      this.#due = calendar.next(now)
      onSetBack(backMs)
    }
    if (now < this.#due) return
    const due = dueFires(this.#due, now, toleranceMs, calendar.next)
    this.#due = due.next
    onDue(due, now)
  }
}
