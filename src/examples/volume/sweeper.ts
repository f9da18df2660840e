import { setTimeout as delay } from 'node:timers/promises'
import type { ServiceContext } from 'reeve'
import type { VolumeStore } from './volume-store.js'

export interface SweeperOptions {
  readonly store: VolumeStore
  readonly log: ServiceContext['log']
  readonly election: ReturnType<ServiceContext['coordinator']['election']>
  /** What is untouched for so long has no living writer; a leader sweeps that often, too. */
  readonly staleMs: number
}

/**
 * Removes what killed workers left, on one worker of all hosts at a time. Whoever
 * leads sweeps at once, and then again and again for as long as it leads. Two at
 * once, as after a leader that stood still, would harm nothing: a sweep only
 * removes what nobody writes.
 *
 * Ends when `signal` aborts.
 */
export async function sweepWhileLeading({ store, log, election, staleMs }: SweeperOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await using leadership = await election.campaign({ signal })
      log.info('volume.sweeper', { epoch: String(leadership.epoch) })
      await sweepUntil(AbortSignal.any([signal, leadership.lost]), { store, staleMs })
    } catch (error) {
      if (signal.aborted) return
      log.warn('volume.sweep_failed', { error })
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
}

const RETRY_MS = 1_000

async function sweepUntil(over: AbortSignal, { store, staleMs }: Pick<SweeperOptions, 'store' | 'staleMs'>): Promise<void> {
  while (!over.aborted) {
    await store.sweep(staleMs)
    await delay(staleMs, undefined, { signal: over }).catch(() => undefined)
  }
}
