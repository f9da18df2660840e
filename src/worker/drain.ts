import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../log/logger.js'
import type { Servers } from './servers.js'
import type { Tasks } from './tasks.js'

export interface DrainParts {
  readonly servers: Servers
  readonly tasks: Tasks
  readonly log: Logger
  readonly clock: Clock
  /** `stop` of the service; undefined when it has none or never started. */
  readonly stopService: (() => Promise<void> | void) | undefined
  /** Idle keep-alive connections live on for so long; null: as their server says. */
  readonly keepAliveGraceMs: number | null
  /** From the beginning of the drain to SIGKILL; 0: for ever. */
  readonly timeoutMs: number
}

/** So long before the SIGKILL, in ms, the worker says what would not end; a tenth of the time if that is less. */
const LAST_WORDS_MS = 1_000

/**
 * Finishes what is in flight: servers stop accepting and answer what they have,
 * the service stops, tracked tasks end. Servers learn first, so that a service
 * which closes them in its `stop` closes them gently.
 *
 * Shortly before the deadline what is left is named in the log, tasks are
 * aborted, and connections that no protocol ends (upgraded ones) are cut; if
 * that was all, the drain is a clean one.
 *
 * Resolves with false when `stop` of the service has failed.
 */
export async function drain(parts: DrainParts): Promise<boolean> {
  const { servers, tasks, log, timeoutMs } = parts
  const service = new Stop(parts.stopService)
  const ended = Promise.all([servers.drain(parts.keepAliveGraceMs), service.run(), tasks.settled()])
  const lastWords = timeoutMs === 0 ? undefined : setTimeout(() => {
    const unfinished = [...servers.unfinished(), ...tasks.unfinished(), ...service.unfinished()]
    log.error(`would not end: ${unfinished.join(', ')}`, { event: 'worker.unfinished', unfinished })
    tasks.abort()
    servers.destroyUpgraded()
  }, timeoutMs - Math.min(LAST_WORDS_MS, timeoutMs / 10))
  await ended
  clearTimeout(lastWords)
  if (service.error !== undefined) log.error(`the service could not stop: ${messageOf(service.error)}`, { event: 'worker.stop_failed', error: service.error })
  return service.error === undefined
}

/** The service's own `stop`, run once. */
class Stop {
  error: unknown
  readonly #stop: DrainParts['stopService']
  #pending = false

  constructor(stop: DrainParts['stopService']) {
    this.#stop = stop
  }

  async run(): Promise<void> {
    this.#pending = true
    try {
      await this.#stop?.()
    } catch (error) {
      this.error = error
    }
    this.#pending = false
  }

  unfinished(): string[] {
    return this.#pending ? ['stop() of the service'] : []
  }
}
