/** More than `intensity` deaths within `periodMs`: give up. */
export interface RestartLimit {
  readonly intensity: number
  readonly periodMs: number
}

/**
 * Records a death at `now` and says whether the limit still holds.
 * `deaths` are the earlier ones, newest first, in `Clock.now()` ms.
 *
 * @see OTP lib/stdlib/src/supervisor.erl, add_restart/1
 */
export function addDeath(deaths: readonly number[], now: number, limit: RestartLimit): { deaths: number[]; allowed: boolean } {
  const recent = [now, ...deaths.filter((at) => at >= now - limit.periodMs)]
  return { deaths: recent, allowed: recent.length <= limit.intensity }
}
