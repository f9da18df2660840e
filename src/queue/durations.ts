/** Of all durations that were recorded, in ms. Percentiles are up to 3 % too high; all are 0 when there was none. */
export interface DurationSummary {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Buckets to each power of two: the width of a bucket is 1/32 of its value. */
const STEPS_LOG2 = 5
const STEPS = 1 << STEPS_LOG2
/** 36 minutes in µs; longer ones share the last bucket, but for the maximum. */
const LONGEST = 2 ** 31 - 1

/**
 * Counts durations in buckets whose width grows with the value, as an HDR histogram
 * does: recording takes constant time, and memory (7 KiB) does not grow.
 */
export class Durations {
  #buckets: Float64Array | undefined
  #count = 0
  #maxMs = 0

  record(ms: number): void {
    this.#buckets ??= new Float64Array(bucketOf(LONGEST) + 1)
    const bucket = bucketOf(Math.min(Math.max(0, ms * 1_000), LONGEST) | 0)
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#count++
    if (ms > this.#maxMs) this.#maxMs = ms
  }

  summary(): DurationSummary {
    return { count: this.#count, p50Ms: this.#percentile(0.5), p99Ms: this.#percentile(0.99), maxMs: this.#maxMs }
  }

  #percentile(share: number): number {
    let left = Math.ceil(this.#count * share)
    const bucket = (this.#buckets ?? []).findIndex((count) => (left -= count) <= 0)
    return this.#count === 0 ? 0 : Math.min(upperBound(bucket) / 1_000, this.#maxMs)
  }
}

function bucketOf(microseconds: number): number {
  if (microseconds < STEPS) return microseconds
  const exponent = 31 - Math.clz32(microseconds) - STEPS_LOG2
  return (exponent << STEPS_LOG2) + (microseconds >> exponent)
}

/** The least number of µs that is in a later bucket. */
function upperBound(bucket: number): number {
  if (bucket < STEPS) return bucket + 1
  const exponent = (bucket >> STEPS_LOG2) - 1
  return ((bucket & (STEPS - 1)) + STEPS + 1) * 2 ** exponent
}
