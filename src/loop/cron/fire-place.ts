import type { Clock } from '../../base/clock.js'
import { messageOf } from '../../base/errors.js'
import type { Coordinator, HeldLock } from '../../coordination/contract.js'
import type { Logger } from '../../log/logger.js'
import { keepLeaderSeat } from '../task/leader-seat.js'
import { aborted } from '../task/linked-abort.js'
import type { Seat } from '../task/seat.js'
import type { ResolvedCronTask } from './cron-options.js'
import { claimFire, type ClaimedFire } from './fire-claim.js'

/** The right to run a fire here: what the run may show, what ends it, and how it is given back. */
export interface Grant {
  readonly fence?: bigint
  readonly epoch?: bigint
  /** Each aborts before another process may run in its place. */
  readonly lost: readonly AbortSignal[]
  /** After the run. Resolves when the next fire may be run. */
  leave(): Promise<void>
}

/**
 * Why a fire is not run here: another process has it; its last run, in another process,
 * has not ended; the coordinator could not be asked in time.
 */
export type Refusal = 'elsewhere' | 'overlap' | 'unavailable'

export interface FirePlaceParts {
  readonly coordinator: Coordinator
  readonly settings: ResolvedCronTask
  /** Of the election and of the locks. */
  readonly sharedName: string
  readonly clock: Clock
  readonly wallClock: () => number
  readonly log: Logger
  /** Ends the place. */
  readonly signal: AbortSignal
}

/** In which of many processes the fires of a task are run: for `leader` and `once`. */
export class FirePlace {
  readonly #with: FirePlaceParts
  readonly #campaigning: Promise<void>
  /** What has been granted and not been given back. */
  readonly #open = new Set<Promise<void>>()
  #seat: Seat | undefined

  constructor(parts: FirePlaceParts) {
    this.#with = parts
    const { settings, coordinator, sharedName } = parts
    this.#campaigning = settings.runOn === 'leader' ? keepLeaderSeat(coordinator.election(sharedName), (seat) => this.#sit(seat), parts) : Promise.resolve()
  }

  get leading(): boolean {
    return this.#seat !== undefined
  }

  /** Asks for the fire of the moment `at`, ms since 1970. */
  async enter(at: number): Promise<Grant | Refusal> {
    const { settings: { runOn, noOverlap } } = this.#with
    const seat = this.#seat
    if (runOn === 'leader' && !seat) return 'elsewhere'
    const claim = await this.#claim(at)
    if (claim === 'taken') return 'elsewhere'
    if (claim === 'unavailable') return claim
    if (seat) return this.#grant(claim, { fence: seat.fence, epoch: seat.epoch, lost: [claim.lost, seat.signal] })
    const alone = noOverlap ? await this.#enterAlone() : undefined
    if (noOverlap && !alone) {
      this.#settle(claim, Promise.resolve())
      return 'overlap'
    }
    return this.#grant(claim, { fence: alone?.fence ?? claim.fence, lost: [claim.lost, ...alone ? [alone.lost] : []] }, alone)
  }

  /** Resolves when the place has ended, and everything is given back. */
  async left(): Promise<void> {
    await this.#campaigning
    await this.#emptied()
  }

  async #sit(seat: Seat): Promise<void> {
    this.#seat = seat
    await aborted(seat.signal)
    this.#seat = undefined
    await this.#emptied()
  }

  #claim(at: number): ReturnType<typeof claimFire> {
    const { coordinator, settings, sharedName, clock, wallClock, signal } = this.#with
    const { makeUpMissed, makeUpWithinMs, toleranceMs, maxClockSkewMs } = settings
    const mayBeginWithinMs = makeUpMissed ? Math.max(makeUpWithinMs, toleranceMs) : toleranceMs
    const leftMs = Math.max(0, at + mayBeginWithinMs - wallClock())
    return claimFire(coordinator, { name: `${sharedName}/${new Date(at).toISOString()}`, keptMs: leftMs + maxClockSkewMs, patienceMs: leftMs, clock, signal })
  }

  /** The task's own lock: the run of an earlier fire may go on elsewhere. Its fence grows from run to run. */
  async #enterAlone(): Promise<HeldLock | undefined> {
    const { coordinator, sharedName } = this.#with
    return await coordinator.lock(sharedName).tryAcquire()
  }

  #grant(claim: ClaimedFire, grant: Omit<Grant, 'leave'>, alone?: HeldLock): Grant {
    let leave = (): void => {}
    this.#settle(claim, new Promise<void>((resolve) => { leave = resolve }))
    return {
      ...grant,
      leave: async () => {
        await alone?.release()
        leave()
      },
    }
  }

  /** The claim outlasts the run by what it takes to close it: nobody needs to wait for that but the end of the place. */
  #settle(claim: ClaimedFire, run: Promise<void>): void {
    const { log, settings: { name } } = this.#with
    const settled = run.then(() => claim.settle()).catch((error: unknown) => {
      log.warn(`a fire of cron task "${name}" may be run again: ${messageOf(error)}`, { event: 'cron.not_settled', task: name, error })
    }).finally(() => this.#open.delete(settled))
    this.#open.add(settled)
  }

  async #emptied(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open)
  }
}
