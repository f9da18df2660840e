import type { Clock } from '../../base/clock.js'
import { hasCode, messageOf } from '../../base/errors.js'
import type { Election, Leadership } from '../../coordination/contract.js'
import type { Logger } from '../../log/logger.js'
import { aborted, LinkedAbort } from './linked-abort.js'
import { retryPauseMs, type Take } from './seat.js'

export interface SeatKeeper {
  /** Ends the keeping: what is held is given up when its taker has returned. */
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Campaigns in `election` until the signal aborts, and has the seat taken for each
 * term. The next campaign begins, and the leadership is resigned, only when the
 * taker has returned.
 */
export async function keepLeaderSeat(election: Election, take: Take, { signal, clock, log }: SeatKeeper): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      const leadership = await election.campaign({ signal })
      failures = 0
      await lead(leadership, take, signal)
    } catch (error) {
      if (signal.aborted) return
      if (hasCode(error, 'COORDINATOR_STOPPED')) return void log.warn(`nobody here leads "${election.name}" any more: ${messageOf(error)}`, { event: 'task.seat_given_up', election: election.name, error })
      log.warn(`no campaign for "${election.name}": ${messageOf(error)}`, { event: 'task.seat_failed', election: election.name, error })
      await clock.sleep(retryPauseMs(failures++), signal).catch(() => {})
    }
  }
}

async function lead(leadership: Leadership, take: Take, stop: AbortSignal): Promise<void> {
  using term = new LinkedAbort([stop, leadership.lost])
  try {
    if (!term.signal.aborted) await take({ signal: term.signal, fence: leadership.epoch, epoch: leadership.epoch })
    // A taker that returned early keeps the seat all the same.
    await aborted(term.signal)
  } finally {
    await leadership.resign()
  }
}
