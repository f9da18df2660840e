import type { FunctionStatistics } from './function-statistics.js'
import type { Home } from './home.js'
import { CALL, type CallKind, type EncodedResult, type ModuleDefinition } from './messages.js'
import type { CallOptions } from './options.js'

/** What is called, and how. */
export interface CallRequest {
  readonly kind: CallKind
  /** The number of a module, an object or an iterator. */
  readonly target: number
  readonly name: string
  readonly args: readonly unknown[]
  readonly marks: readonly number[] | undefined
  /** The thread of its objects; undefined: any. */
  readonly owner: Home | undefined
  readonly module: ModuleDefinition
  readonly statistics: FunctionStatistics
  readonly options: CallOptions
  /** Makes what the caller gets of an answer that is more than a value. */
  readonly revive: (result: EncodedResult, home: Home, options: CallOptions) => unknown
}

/** Where a call waits. */
export interface WaitingPlace {
  remove(call: Call): void
}

let calls = 0

/** One call from its request to its answer. It is in a queue, or handed to a thread, or settled. */
export class Call {
  readonly request: CallRequest
  readonly priority: number
  readonly order = calls++
  readonly calledAt: number
  readonly settled: Promise<unknown>
  /** Grows with the calls of a thread; 0 until it is handed over. See `claim.ts`. */
  number = 0
  /** It was expected to be quick when it was handed over. */
  quick = false
  /** It counts as an object of its thread, for it will probably give one. */
  reserved = false
  /** Where it waits, and its neighbours there. */
  queue: WaitingPlace | undefined
  previous: Call | undefined
  next: Call | undefined
  #resolve: ((value: unknown) => void) | undefined
  #reject: ((reason: unknown) => void) | undefined
  #unwatch: (() => void) | undefined

  constructor(request: CallRequest, now: number) {
    this.request = request
    this.priority = request.options.priority ?? 0
    this.calledAt = now
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** It gives an object, or has given one before: such calls are spread over the threads. */
  get isSpread(): boolean {
    return this.request.owner === undefined && (this.request.kind === CALL.construct || this.request.statistics.givesObjects)
  }

  get isSettled(): boolean {
    return this.#resolve === undefined
  }

  /** Calls one of the two when the call's signal aborts or its time is over, unless it is settled first. */
  watch(onAbort: (reason: unknown) => void, onTimeout: (timeoutMs: number) => void): void {
    const { signal, timeoutMs } = this.request.options
    if (!signal && timeoutMs === undefined) return
    const aborted = (): void => onAbort(signal?.reason)
    signal?.addEventListener('abort', aborted, { once: true })
    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs, timeoutMs)
    this.#unwatch = () => {
      signal?.removeEventListener('abort', aborted)
      clearTimeout(timer)
    }
  }

  resolve(value: unknown): void {
    this.#resolve?.(value)
    this.#settle()
  }

  reject(reason: unknown): void {
    if (!this.isSettled) this.request.statistics.recordError()
    this.#reject?.(reason)
    this.#settle()
  }

  #settle(): void {
    this.#resolve = this.#reject = undefined
    this.#unwatch?.()
    this.#unwatch = undefined
  }
}
