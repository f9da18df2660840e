import { AsyncLocalStorage } from 'node:async_hooks'
import { addFields, type LogFields } from './fields.js'

/**
 * One for the process, whatever the number of copies of this code in it: a
 * worker's logger is bundled, and its service imports `reeve/log`.
 */
const storage = sharedStorage()

function sharedStorage(): AsyncLocalStorage<LogFields> {
  const key = Symbol.for('reeve.log.context')
  const shared = globalThis as { [key]?: AsyncLocalStorage<LogFields> }
  shared[key] ??= new AsyncLocalStorage()
  return shared[key]
}

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
