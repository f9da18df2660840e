import { AsyncLocalStorage } from 'node:async_hooks'
import { addFields, type LogFields } from './fields.js'

const storage = new AsyncLocalStorage<LogFields>()

/**
 * Runs `fn`, and gives back what it returns. Every record that is logged in it,
 * or in anything asynchronous that it starts, carries `fields`; inside another
 * `withLogFields`, those of both.
 *
 * ```ts
 * withLogFields({ requestId }, () => handle(request, response))
 * ```
 */
export function withLogFields<Result>(fields: LogFields, fn: () => Result): Result {
  const merged = { ...storage.getStore() }
  addFields(merged, fields)
  return storage.run(merged, fn)
}

/** The fields of the `withLogFields` around the caller; undefined outside of any. */
export function contextFields(): LogFields | undefined {
  return storage.getStore()
}
