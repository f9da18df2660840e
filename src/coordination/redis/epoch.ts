/**
 * Who guards against a store that forgot.
 *
 * A Redis that was restarted, failed over or flushed may have lost leases whose
 * holders still work. The key `PREFIX:epoch` names the run of the server that the
 * leases in its data were granted by. A client proves on every connection that the
 * key names the server it talks to, and each acquire proves it again inside the
 * script; where it does not, nothing is granted until the longest lease that may
 * have been forgotten is over: the quarantine.
 *
 * Not seen: a CONFIG RESETSTAT between a FLUSHALL and the very first client, and keys
 * deleted one by one.
 */
import { CodedError } from '../../base/errors.js'
import type { Epoch } from './port.js'
import type { ServerFacts } from './server-checks.js'

/** What the gate asks of the server. */
export interface EpochServer {
  /** Reads INFO; throws when the server must not be used. */
  facts(): Promise<ServerFacts>
  /** The text of the epoch key; null: there is none. */
  read(): Promise<string | null>
  /** Makes `runId` the epoch, with a quarantine, unless it is already; gives what holds now. */
  write(runId: string, quarantineMs: number): Promise<Epoch>
}

/** Open while the server behind the connection is known to be the one whose epoch we carry. */
export class EpochGate {
  readonly #server: EpochServer
  readonly #policy: { readonly maxTtlMs: number; readonly replicated: boolean }
  readonly #onQuarantine: (ms: number) => void
  #epoch: Epoch | undefined
  #runId: string | undefined
  #seen = false
  #connection = 0
  #verification: Promise<void> | undefined

  constructor(server: EpochServer, policy: { readonly maxTtlMs: number; readonly replicated: boolean }, onQuarantine: (ms: number) => void) {
    this.#server = server
    this.#policy = policy
    this.#onQuarantine = onQuarantine
  }

  get epoch(): Epoch | undefined {
    return this.#epoch
  }

  /** Of the server that was verified. */
  get runId(): string | undefined {
    return this.#runId
  }

  /** The connection is gone; whatever the next one leads to has to be verified. */
  close(): void {
    this.#connection++
    this.#epoch = undefined
    this.#runId = undefined
    this.#verification = undefined
  }

  /** Verifies the server behind the present connection. Concurrent callers share one verification. @throws CodedError COORDINATION_UNAVAILABLE */
  verify(): Promise<void> {
    this.#verification ??= this.#share(this.#verify(this.#connection))
    return this.#verification
  }

  #share(verification: Promise<void>): Promise<void> {
    const done = (): void => {
      if (this.#verification === shared) this.#verification = undefined
    }
    const shared = verification.finally(done)
    return shared
  }

  async #verify(connection: number): Promise<void> {
    const facts = await this.#server.facts()
    const known = await this.#server.read()
    const runId = facts.runId ?? UNKNOWN_RUN
    const history = known === null ? 'none' : known.startsWith(`${runId} `) ? 'this' : 'other'
    const quarantineMs = decideQuarantineMs(facts, { ...this.#policy, history, seen: this.#seen })
    let epoch = await this.#server.write(runId, quarantineMs)
    // The key vanished between the two: a flush.
    if (history === 'this' && epoch.value !== known) epoch = await this.#server.write(runId, this.#policy.maxTtlMs)
    if (connection !== this.#connection) throw new CodedError('COORDINATION_UNAVAILABLE', `Cannot verify the server "${runId}" as its connection must last: it was lost meanwhile`)
    this.#epoch = epoch
    this.#runId = runId
    this.#seen = true
    if (epoch.value !== known && epoch.until > 0) this.#onQuarantine(quarantineMs)
  }
}

/** For a server that does not tell its run_id. A flush is still seen. */
const UNKNOWN_RUN = 'unknown'

export interface EpochHistory {
  /** Whom the epoch key names: nobody, this run of the server, or another one. */
  readonly history: 'none' | 'this' | 'other'
  /** This process has seen an epoch key before. */
  readonly seen: boolean
  /** Masters change: what a restarted one has on its disk may not be the newest. */
  readonly replicated: boolean
  /** The longest lease. All users of a store must have the same. */
  readonly maxTtlMs: number
}

/** For how long nothing may be granted: 0 when no acknowledged lease can have been forgotten. */
export function decideQuarantineMs(facts: Pick<ServerFacts, 'uptimeMs' | 'flushed' | 'promoted' | 'writesThrough'>, history: EpochHistory): number {
  const { maxTtlMs } = history
  switch (history.history) {
    case 'this': return 0
    case 'other': return facts.writesThrough && !facts.promoted && !history.replicated ? 0 : maxTtlMs
    case 'none':
      if (history.seen || facts.flushed || facts.promoted || facts.uptimeMs === undefined) return maxTtlMs
      return Math.max(0, maxTtlMs - facts.uptimeMs)
  }
}
