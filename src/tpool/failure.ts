import { decodeError, type EncodedError } from './error-codec.js'

/** What a call in a thread threw, as it came from there. */
export class Failure {
  constructor(readonly encoded: EncodedError, readonly threadName: string) {}

  /**
   * The error for the caller, with both stacks: the thread's frames, then those
   * of the caller. Create it in an async function that the caller awaits: V8 then
   * knows the caller's frames at no cost to the calls that do not fail.
   */
  toError(): unknown {
    const error = decodeError(this.encoded)
    if (error instanceof Error) {
      const stack = [error.stack ?? error.message, `    at thread ${this.threadName}`, ...awaiters()].join('\n')
      Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true })
    }
    return error
  }
}

/** `    at async …`, without this folder's own. */
function awaiters(): readonly string[] {
  const here: { stack?: string } = {}
  Error.captureStackTrace(here)
  return (here.stack ?? '').split('\n').filter((line) => line.startsWith('    at async') && !line.includes('Scheduler.invoke'))
}
