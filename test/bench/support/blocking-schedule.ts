/** The fixed draw of arrivals, and what the best schedule makes of it. All times in ms. */

/** From one arrival to the next. The first comes at 0. */
const GAPS = [30, 70, 10, 100, 50, 90, 20, 60, 40, 80]

export interface RequestTimes {
  readonly connectMs: number
  readonly cloneMs: number
}

/** When each of `count` requests comes, at most 51. */
export function arrivalsOf(count: number, scale: number): readonly number[] {
  const arrivals = [0]
  for (let n = 1; n < count; n++) arrivals.push((arrivals[n - 1] ?? 0) + scale * (GAPS[(n - 1) % GAPS.length] ?? 0))
  return arrivals
}

/** From the first arrival to the last end on so many threads, first come, first served, at no cost but the calls. */
export function idealMakespan(arrivals: readonly number[], { connectMs, cloneMs }: RequestTimes, threads: number): number {
  const freeAt = Array.from({ length: threads }, () => 0)
  const jobs = arrivals.map((at) => ({ at, isClone: false }))
  let end = 0
  while (jobs.length > 0) {
    const job = jobs.splice(earliest(jobs.map(({ at }) => at)), 1)[0]
    if (!job) break
    const thread = earliest(freeAt)
    const done = Math.max(job.at, freeAt[thread] ?? 0) + (job.isClone ? cloneMs : connectMs)
    freeAt[thread] = done
    if (!job.isClone) jobs.push({ at: done, isClone: true })
    end = Math.max(end, done)
  }
  return end
}

/** As `idealMakespan` where connecting is done one after the other, and cloning never has to wait. */
export function idealConnectingAlone(arrivals: readonly number[], { connectMs, cloneMs }: RequestTimes): number {
  return idealMakespan(arrivals, { connectMs, cloneMs: 0 }, 1) + cloneMs
}

function earliest(times: readonly number[]): number {
  return times.indexOf(Math.min(...times))
}
