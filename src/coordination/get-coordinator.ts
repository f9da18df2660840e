import type { Coordinator as CoordinatorContract, CoordinatorOptions } from './contract.js'
import { Coordinator } from './coordinator.js'

/**
 * A coordinator for this process. It connects with `start()`, or with its first use;
 * `stop()`, or the end of an `await using`, gives back all that it holds.
 *
 *     await using coordinator = await getCoordinator('redis://127.0.0.1', 'host1/volume')
 *     await coordinator.lock('volume-42').use(async (held) => { … })
 *
 * `url` names the store: `embedded:` (this process; in a worker whose launcher has the same URL, that),
 * `embedded:/PATH.sock` (one host), `redis://`, `rediss://`, `redis+sentinel://`,
 * `redis+cluster://`. `memberId` names this process, differently from every other
 * that lives at the same time.
 *
 * @throws CodedError COORDINATION_URL_INVALID; RangeError, TypeError for options out of their bounds
 */
export async function getCoordinator(url: string, memberId: string, options: CoordinatorOptions = {}): Promise<CoordinatorContract> {
  return new Coordinator({ url, memberId, options })
}
