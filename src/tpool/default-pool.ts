import { defaultThreads } from './default-threads.js'
import { ThreadPool } from './thread-pool.js'

const KEY = Symbol.for('reeve.tpool')

/**
 * The process's own pool, shared by all that do not make one: 20 threads, in a
 * worker as many as its option `native_threads` says, or as `tpool.configure({ threads })`
 * does before its first use. One a
 * process, whatever the number of copies of this module.
 */
export const tpool: ThreadPool = processPool()

function processPool(): ThreadPool {
  const holder = globalThis as { [KEY]?: ThreadPool }
  if (holder[KEY]) return holder[KEY]
  const threads = defaultThreads()
  return holder[KEY] = new ThreadPool(threads === undefined ? {} : { threads })
}
