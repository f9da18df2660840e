import { CodedError } from '../base/errors.js'

/**
 * - `LOOPING_CALL_RUNS`: a looping call was started while it runs, or a timer added under the name of one that runs.
 * - `LOOPING_CALL_NOT_STARTED`: `wait()` before `start()`.
 * - `TIMERS_STOPPED`: a timer was added after the drain had begun.
 */
export type LoopErrorCode = 'LOOPING_CALL_RUNS' | 'LOOPING_CALL_NOT_STARTED' | 'TIMERS_STOPPED'

export class LoopError extends CodedError<LoopErrorCode> {}
