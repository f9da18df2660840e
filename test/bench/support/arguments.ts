import { parseArgs } from 'node:util'

export interface BenchArguments {
  /** How often everything is measured; the median counts. */
  readonly rounds: number
  /** Fewer rounds and shorter windows: to see that a benchmark works, not to quote it. */
  readonly quick: boolean
  /** Only contenders with these names; undefined for all. */
  readonly only: readonly string[] | undefined
}

/**
 * Reads `--rounds N`, `--quick` and `--only a,b` of a benchmark.
 *
 * @throws RangeError when N is not a whole number above 0; TypeError for an unknown flag.
 */
export function readArguments(defaults: { readonly rounds: number; readonly quickRounds: number }): BenchArguments {
  const { values } = parseArgs({
    options: { rounds: { type: 'string' }, quick: { type: 'boolean', default: false }, only: { type: 'string' } },
  })
  const rounds = Number(values.rounds ?? (values.quick ? defaults.quickRounds : defaults.rounds))
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`Cannot read "--rounds" as it must be a whole number above 0: ${values.rounds}`)
  }
  return { rounds, quick: values.quick, only: values.only?.split(',') }
}
