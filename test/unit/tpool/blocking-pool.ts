import type { TestContext } from 'node:test'
import { ThreadPool } from '#src/tpool/thread-pool.js'
import type { ProxyOptions, ThreadPoolOptions } from '#src/tpool/options.js'
import type { Remote } from '#src/tpool/remote-types.js'

type Blocking = typeof import('../../fixtures/tpool/blocking.js')
type Snapshot = import('../../fixtures/tpool/blocking.js').Snapshot

export const BLOCKING = new URL('../../fixtures/tpool/blocking.js', import.meta.url)

/** A pool of `threads` with the fixture module in it; closed when the test is over. */
export async function blockingPool(context: TestContext, options: ThreadPoolOptions, proxyOptions?: ProxyOptions): Promise<{ pool: ThreadPool; remote: Remote<Blocking, Snapshot> }> {
  const pool = new ThreadPool(options)
  context.after(() => pool.close({ graceMs: 0 }))
  return { pool, remote: await pool.proxy<Blocking, Snapshot>(BLOCKING, proxyOptions) }
}

/** A gate for `waitAt()` of the fixture. */
export class Gate {
  readonly words = new Int32Array(new SharedArrayBuffer(16))

  open(): void {
    Atomics.store(this.words, 0, 1)
    Atomics.notify(this.words, 0)
  }

  /** Calls that have begun to wait. */
  get waiting(): number {
    return Atomics.load(this.words, 1)
  }

  /** Calls of `mayWaitAt()` that did not wait. */
  get passed(): number {
    return Atomics.load(this.words, 2)
  }
}
