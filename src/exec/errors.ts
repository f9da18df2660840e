import { CodedError, type CodedErrorOptions } from '../base/errors.js'
import type { ExecResult } from './result.js'

/**
 * - `EXEC_NOT_FOUND`: there is no such command, or no such interpreter in its first line.
 * - `EXEC_NOT_STARTED`: the system refused to start it: no right to, no such `cwd`, too many processes or files.
 * - `EXEC_FAILED`: it ended with an exit code that is not among those allowed, or by a signal.
 * - `EXEC_TIMEOUT`: it had not ended after `timeoutMs`; its process group was killed.
 * - `EXEC_INPUT_FAILED`: what was to give its input threw; the cause is what it threw.
 * - `EXEC_LIMIT_REFUSED`: the system refused one of the limits of `prlimit`; the command was not run.
 * - `EXEC_ROOT_HELPER_MISSING`: `runAsRoot` without the rights, and without a `rootHelper` to get them.
 */
export type ExecErrorCode =
  | 'EXEC_NOT_FOUND' | 'EXEC_NOT_STARTED' | 'EXEC_FAILED' | 'EXEC_TIMEOUT' | 'EXEC_INPUT_FAILED'
  | 'EXEC_LIMIT_REFUSED' | 'EXEC_ROOT_HELPER_MISSING'

/** `details` hold the masked command, and what is told below of its end; secrets are masked in them as in the message. */
export class ExecError extends CodedError<ExecErrorCode> {
  /** What there was when it ended, whole and not masked; undefined when it never ran. Lost when the error crosses a process or a thread. */
  readonly result: ExecResult<string | Buffer> | undefined

  constructor(code: ExecErrorCode, message: string, options: ExecErrorOptions = {}) {
    super(code, message, options)
    this.name = 'ExecError'
    // Not listed: output may be long and hold secrets, and errors are logged whole.
    Object.defineProperty(this, 'result', { enumerable: false })
    this.result = options.result
  }
}

export interface ExecErrorOptions extends CodedErrorOptions {
  readonly result?: ExecResult<string | Buffer> | undefined
}
