/** What is to be done at a wake-up. Times are ms since 1970 by the wall clock. */
export interface DueFires {
  /** The last fire that is due. */
  readonly last: number
  /** Whether it is in time still. If not, it is one of the missed. */
  readonly inTime: boolean
  /** Fires that were missed: `COUNTED` or more are told as `COUNTED`. */
  readonly missed: number
  /** The first that is not due yet. */
  readonly next: number
}

/** So many missed fires are counted, one by one: a suspended night of a schedule of seconds must not block the loop. */
export const COUNTED = 1_000

/** Sorts out the fires from `due` up to `now`; `due` is not after `now`. */
export function dueFires(due: number, now: number, toleranceMs: number, nextAfter: (time: number) => number): DueFires {
  let last = due
  let next = nextAfter(last)
  let fires = 1
  for (; next <= now && fires < COUNTED; fires++) [last, next] = [next, nextAfter(next)]
  if (next <= now) {
    last = lastUpTo(now, nextAfter)
    next = nextAfter(last)
  }
  const inTime = now - last <= toleranceMs
  return { last, inTime, missed: inTime ? fires - 1 : fires, next }
}

/** The last fire not after `now`, of which there is one: by looking back twice as far each time. */
function lastUpTo(now: number, nextAfter: (time: number) => number): number {
  let backMs = 1_000
  while (nextAfter(now - backMs) > now) backMs *= 2
  let last = nextAfter(now - backMs)
  for (let next = nextAfter(last); next <= now; next = nextAfter(next)) last = next
  return last
}
