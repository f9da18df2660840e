import { CodedError } from '../base/errors.js'

/**
 * - `LOOPING_CALL_RUNS`: a looping call, or periodic tasks, were started while they run, or a timer added under the name of one that runs.
 * - `LOOPING_CALL_NOT_STARTED`: `wait()` before `start()`.
 * - `LOOP_TIMEOUT`: a looping call took longer in all than its `timeoutMs`.
 * - `LOOP_DELAY_INVALID`: the function of a dynamic looping call gave back no number of ms, and there is no interval to take instead.
 * - `TIMERS_STOPPED`: a timer was added after the drain had begun.
 * - `TASKS_STOPPED`: a periodic or cron task was added, or tasks were started, after `stop()`.
 * - `TASK_EXISTS`: there is a task of this name.
 * - `TASK_TIMEOUT`: one run of a task took longer than its `timeoutMs`.
 * - `TASK_NOT_COORDINATED`: a task is to run in one place of many, and its owner was given no coordinator.
 * - `CRON_INVALID`: an expression or a time zone that cannot be; `details` name the field.
 */
export type LoopErrorCode =
  | 'LOOPING_CALL_RUNS' | 'LOOPING_CALL_NOT_STARTED' | 'LOOP_TIMEOUT' | 'LOOP_DELAY_INVALID' | 'TIMERS_STOPPED'
  | 'TASKS_STOPPED' | 'TASK_EXISTS' | 'TASK_TIMEOUT' | 'TASK_NOT_COORDINATED' | 'CRON_INVALID'

export class LoopError extends CodedError<LoopErrorCode> {}
