import { gridPace, type FixedIntervalStart } from './fixed-interval.js'
import { LoopingCall, checkMs, loopTimeout, type Pace } from './looping-call.js'

export interface FixedIntervalWithTimeoutStart extends FixedIntervalStart {
  /** From `start()`, the initial delay included, to the end of the loop with LOOP_TIMEOUT, in ms. Default 0: none. */
  readonly timeoutMs?: number
  /**
   * What is done when the time is over. Default false: nothing, until the next call
   * has ended, as in oslo.service. True: the loop ends then and there; the signal of a
   * call in progress aborts with LOOP_TIMEOUT, and its end is waited for.
   */
  readonly abortOnTimeout?: boolean
}

/**
 * A fixed interval that gives up: to poll for something that should happen in time.
 * The function ends the loop with `LoopingCallDone` when it has happened.
 *
 * Not guaranteed: an end in time, by a call that does not look at its signal.
 *
 * @see oslo.service loopingcall.py, FixedIntervalWithTimeoutLoopingCall
 */
export class FixedIntervalWithTimeoutLoopingCall extends LoopingCall<FixedIntervalWithTimeoutStart> {
  protected pace(options: FixedIntervalWithTimeoutStart): Pace {
    const { timeoutMs = 0, abortOnTimeout = false } = options
    checkMs(this.name, 'timeoutMs', timeoutMs)
    const grid = gridPace(this.name, options, this.clock)
    if (timeoutMs === 0) return grid
    const startedAt = this.clock.now()
    if (abortOnTimeout) return { ...grid, deadline: startedAt + timeoutMs }
    return {
      ...grid,
      next: (outcome) => {
        const elapsedMs = this.clock.now() - startedAt
        if (elapsedMs > timeoutMs) throw loopTimeout(this.name, elapsedMs)
        return grid.next(outcome)
      },
    }
  }
}
