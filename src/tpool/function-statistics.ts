import { Histogram } from './histogram.js'

/** Of one function since the pool began. Quantiles to 13 %. */
export interface FunctionStats {
  readonly count: number
  readonly errors: number
  /** From the call to its answer, without the run: in ms. */
  readonly queueWaitMs: Quantiles
  /** In its thread: in ms. */
  readonly runMs: Quantiles
}

export interface Quantiles {
  readonly p50: number
  readonly p99: number
}

/** A function that runs for less is worth handing to a thread before its turn. */
const QUICK_MS = 0.1
/** Fewer runs say nothing. */
const QUICK_AFTER = 3
/** What one slow run counts for at most: forgotten after some forty quick ones. */
const SLOW_CAP_MS = 10

/** What is known of one function: told to the user, and asked by the scheduler. */
export class FunctionStatistics {
  #count = 0
  #errors = 0
  #recentMs = 0
  readonly #runs = new Histogram()
  readonly #waits = new Histogram()
  /** It has returned an object that stays in its thread: such calls are spread over the threads. */
  givesObjects = false

  constructor(readonly label: string) {}

  record(waitMs: number, runMs: number): void {
    this.#count++
    this.#runs.record(runMs)
    this.#waits.record(waitMs)
    // Up at once, down slowly.
    this.#recentMs = runMs > this.#recentMs ? Math.min(runMs, SLOW_CAP_MS) : this.#recentMs + (runMs - this.#recentMs) / 8
  }

  recordError(): void {
    this.#errors++
  }

  /** Its recent runs were all far below a millisecond. */
  get quick(): boolean {
    return this.#count >= QUICK_AFTER && this.#recentMs < QUICK_MS
  }

  read(): FunctionStats {
    return { count: this.#count, errors: this.#errors, queueWaitMs: quantilesOf(this.#waits), runMs: quantilesOf(this.#runs) }
  }
}

function quantilesOf(histogram: Histogram): Quantiles {
  return { p50: histogram.quantile(0.5), p99: histogram.quantile(0.99) }
}
