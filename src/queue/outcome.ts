/** What comes of a piece of work. */
export interface Outcome<Result> {
  /**
   * Resolves or rejects as the work does. Asking for it is taking care of a failure:
   * one for which nobody has asked is told to `onError`, or is an unhandled rejection.
   */
  readonly result: Promise<Result>
  /** True when the work has ended, well or not. */
  readonly settled: boolean
}

/** Told of a failure for which nobody else cares. */
export type TellError = (error: unknown) => void

const rejectUnhandled: TellError = (error) => void rejected(error)

/**
 * The outcome as its owner sees it. The promise is made when it is first asked for:
 * 10,000 tasks whose results nobody reads make none.
 */
export class PendingOutcome<Result> implements Outcome<Result> {
  #state: 'pending' | 'succeeded' | 'failed' = 'pending'
  #settlement: unknown
  #promise: Promise<Result> | undefined
  #resolve: ((result: unknown) => void) | undefined
  #reject: ((error: unknown) => void) | undefined

  get settled(): boolean {
    return this.#state !== 'pending'
  }

  get result(): Promise<Result> {
    this.#promise ??= this.#newPromise()
    return this.#promise
  }

  /** The first call of `succeed` or `fail` counts. */
  succeed(result: Result): void {
    if (this.settled) return
    this.#state = 'succeeded'
    this.#settlement = result
    this.#resolve?.(result)
  }

  /** `tell`, undefined for an unhandled rejection, gets the error once, unless somebody asks for the result in this turn of the event loop. */
  fail(error: unknown, tell?: TellError): void {
    if (this.settled) return
    this.#state = 'failed'
    this.#settlement = error
    if (this.#reject) this.#reject(error)
    else if (tell) setImmediate(() => this.#tellUnlessAsked(error, tell))
    else this.#promise = rejected(error)
  }

  /** For what is no failure, as it was asked to end: rejects, and tells nobody. */
  cancel(error: unknown): void {
    this.fail(error, ignore)
  }

  #tellUnlessAsked(error: unknown, tell: TellError): void {
    if (this.#promise) return
    this.#promise = rejected(error)
    this.#promise.catch(ignore)
    tellError(error, tell)
  }

  #newPromise(): Promise<Result> {
    if (this.#state === 'succeeded') return Promise.resolve(this.#settlement as Result)
    if (this.#state === 'failed') return rejected(this.#settlement)
    return new Promise((resolve, reject) => {
      this.#resolve = resolve as (result: unknown) => void
      this.#reject = reject
    })
  }
}

/** Hands `error` to `tell`; where there is none, or it fails itself, it is an unhandled rejection: never lost. */
export function tellError(error: unknown, tell: TellError = rejectUnhandled): void {
  try {
    tell(error)
  } catch (failure) {
    rejectUnhandled(failure)
  }
}

function ignore(): void {}

async function rejected(error: unknown): Promise<never> {
  throw error
}
