import { ShardedQueue } from 'reeve/queue'
import { volumeError } from './errors.js'

/** So many that two volumes rarely share a shard, and with it their turns. */
const SHARDS = 256

interface Turn {
  readonly name: string
  readonly run: () => Promise<void>
}

/**
 * What changes a volume, one act at a time and in the order in which they were
 * asked for, in this worker: a removal that was asked for after a clone has begun
 * does not overtake it. Between workers there is no such order; there the store's
 * own rules hold, and they keep every volume whole.
 */
export class VolumeTurns {
  readonly #queue = new ShardedQueue<Turn>({ name: 'volumes', key: ({ name }) => name, handler: ({ run }) => run(), shards: SHARDS })

  /**
   * What `work` gives, once all that was asked for of `name` before is over.
   * `work` must not wait for another turn.
   *
   * @param maxWaitMs how long it may wait for its turn. Default: no limit.
   * @throws CodedError VOLUME_BUSY when that is over, and `work` was not begun; what `work` throws
   */
  async take<T>(name: string, work: () => Promise<T>, maxWaitMs?: number): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      let isLate = false
      const timer = maxWaitMs === undefined ? undefined : setTimeout(() => {
        isLate = true
        reject(volumeError('VOLUME_BUSY', `Cannot change "${name}" as its turn must come within ${maxWaitMs} ms: another change of it goes on`))
      }, maxWaitMs)
      const run = async (): Promise<void> => {
        clearTimeout(timer)
        if (!isLate) await work().then(resolve, reject)
      }
      this.#queue.put({ name, run }).catch(reject)
    })
  }
}
