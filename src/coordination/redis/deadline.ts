import { CodedError } from '../../base/errors.js'

/**
 * The outcome of `work`, or a rejection with COORDINATION_UNAVAILABLE after `ms`.
 * What was asked may still happen afterwards; its outcome is then nobody's.
 */
export function withinDeadline<T>(work: Promise<T>, ms: number, timeoutMessage: () => string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new CodedError('COORDINATION_UNAVAILABLE', timeoutMessage())), ms)
    work.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: Error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
