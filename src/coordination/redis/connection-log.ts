import type { Clock } from '../../base/clock.js'
import type { CoordinationLog } from '../contract.js'

/** Tells of troubles without flooding: of one kind at most once in ten seconds, with the number of those in between. */
export class ConnectionLog {
  readonly #log: CoordinationLog | undefined
  readonly #url: string
  readonly #clock: Clock
  readonly #quiet = new Map<string, { until: number; suppressed: number }>()

  constructor(log: CoordinationLog | undefined, url: string, clock: Clock) {
    this.#log = log
    this.#url = url
    this.#clock = clock
  }

  info(event: string, fields: object = {}): void {
    this.#log?.info(event, { url: this.#url, ...fields })
  }

  warn(event: string, fields: object = {}): void {
    const now = this.#clock.now()
    const quiet = this.#quiet.get(event)
    if (quiet && now < quiet.until) {
      quiet.suppressed++
      return
    }
    this.#quiet.set(event, { until: now + QUIET_MS, suppressed: 0 })
    this.#log?.warn(event, { url: this.#url, ...fields, ...(quiet && quiet.suppressed > 0 && { suppressed: quiet.suppressed }) })
  }
}

const QUIET_MS = 10_000
