/** The middle of `values`, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return (valueAt(sorted, Math.ceil(half) - 1) + valueAt(sorted, Math.floor(half))) / 2
}

/** The smallest value that at least `percent` of a hundred of `values` do not exceed; NaN of none. */
export function percentile(values: readonly number[] | Float64Array, percent: number): number {
  const sorted = Float64Array.from(values).sort()
  return valueAt(sorted, Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1))
}

/**
 * The median of `values[i] / floor[i]`: pairs of one round, taken moments apart,
 * cancel the drift of the machine's speed, which a ratio of two medians would not.
 */
export function pairedRatio(values: readonly number[], floor: readonly number[]): number {
  return median(values.slice(0, floor.length).map((value, i) => value / valueAt(floor, i)))
}

function valueAt(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN
}
