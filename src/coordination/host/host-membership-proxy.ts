import { CodedError } from '../../base/errors.js'
import type { LinkClient } from '../../ipc/host-link.js'
import type { Capabilities } from '../contract.js'
import type { CoordinationErrorCode } from '../errors.js'
import { Listeners } from '../group/listeners.js'
import type { Membership } from '../group/membership.js'
import type { HostBody, WorkerBody } from './host-body.js'

type Call = Extract<WorkerBody, { call: number }>
type Unnumbered = Call extends infer Each ? Each extends Call ? Omit<Each, 'call'> : never : never

interface Pending {
  readonly resolve: (result: boolean) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** How long the launcher may take, in ms: it asks the store, and tries again when that does not answer. */
const CALL_TIMEOUT_MS = 10_000

/** A worker's membership: kept by its launcher, which is one member of each group for all of its workers. */
export class HostMembershipProxy implements Membership {
  readonly #link: LinkClient
  readonly #calls = new Map<number, Pending>()
  readonly #joined = new Map<string, readonly [group: string, member: string]>()
  readonly #rejoined = new Listeners<[group: string]>()
  #lastCall = 0
  #stopped = false

  constructor(link: LinkClient) {
    this.#link = link
  }

  async put(group: string, member: string, capabilities: Capabilities, ttlMs: number): Promise<void> {
    if (this.#stopped) throw stoppedError()
    this.#joined.set(`${group}\n${member}`, [group, member])
    await this.#ask({ kind: 'put', group, member, capabilities, ttlMs })
  }

  async remove(group: string, member: string): Promise<boolean> {
    if (!this.#joined.delete(`${group}\n${member}`)) return false
    return await this.#ask({ kind: 'remove', group, member })
  }

  onRejoined(listener: (group: string) => void): void {
    this.#rejoined.add(listener)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.allSettled([...this.#joined.values()].map(([group, member]) => this.remove(group, member)))
    for (const { reject, timer } of this.#calls.values()) {
      clearTimeout(timer)
      reject(stoppedError())
    }
    this.#calls.clear()
  }

  /** What came from the launcher. */
  receive(body: HostBody): void {
    if (body.kind === 'rejoined') return this.#rejoined.tell(body.group)
    if (body.kind === 'store') return
    const pending = this.#calls.get(body.call)
    if (!pending) return
    this.#calls.delete(body.call)
    clearTimeout(pending.timer)
    if (body.kind === 'answer') pending.resolve(body.result)
    else pending.reject(new CodedError(body.code, body.message))
  }

  #ask(call: Unnumbered): Promise<boolean> {
    const number = ++this.#lastCall
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#calls.delete(number)
        // It may yet succeed; but who was told that it did not has not joined.
        if (call.kind === 'put') void this.remove(call.group, call.member).catch(() => { /* It is told of by the launcher. */ })
        reject(new CodedError('COORDINATION_UNAVAILABLE', `Cannot change the group "${call.group}" as the launcher did not answer within ${CALL_TIMEOUT_MS} ms`))
      }, CALL_TIMEOUT_MS)
      this.#calls.set(number, { resolve, reject, timer })
      this.#link.send({ ...call, call: number } satisfies WorkerBody)
    })
  }
}

function stoppedError(): CodedError<CoordinationErrorCode> {
  return new CodedError('COORDINATOR_STOPPED', 'Cannot change a group as the coordinator was stopped')
}
