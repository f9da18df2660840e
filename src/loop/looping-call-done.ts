import { CodedError, hasCode } from '../base/errors.js'

/**
 * Thrown by the function of a looping call, to end the loop in the ordinary way:
 * `wait()` then resolves to `value`.
 */
export class LoopingCallDone extends CodedError<'LOOPING_CALL_DONE'> {
  readonly value: unknown

  constructor(value: unknown = true) {
    super('LOOPING_CALL_DONE', 'Cannot go on with the looping call as its function has ended it')
    this.name = 'LoopingCallDone'
    this.value = value
  }
}

/** By the code: the service may have loaded another copy of this package. */
export function isLoopingCallDone(error: unknown): error is LoopingCallDone {
  return hasCode(error, 'LOOPING_CALL_DONE') && error instanceof Error && 'value' in error
}
