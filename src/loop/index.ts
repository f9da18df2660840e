/** `reeve/loop`: functions that are called again and again. */
export type { LoopErrorCode } from './errors.js'
export {
  FixedIntervalLoopingCall, type FixedIntervalStart, type LoopFunction, type LoopingCallOptions, type LoopingCallRun,
} from './fixed-interval.js'
export { LoopingCallDone } from './looping-call-done.js'
export { Timers, type TimerOptions, type TimersOptions } from './timers.js'
