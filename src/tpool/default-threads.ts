/**
 * How many threads the process's own pool has: set by a worker from its option
 * `native_threads` before the service loads, which may bring a copy of this module
 * of its own.
 */
const KEY = Symbol.for('reeve.tpool.threads')

export function setDefaultThreads(threads: number): void {
  Reflect.set(globalThis, KEY, threads)
}

/** Undefined where nobody has set it. */
export function defaultThreads(): number | undefined {
  return Reflect.get(globalThis, KEY) as number | undefined
}
