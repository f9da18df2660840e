import { codeOf, messageOf } from '../base/errors.js'
import { PendingOutcome, type Outcome, type TellError } from './outcome.js'
import type { Stage, SubmitOptions } from './stage.js'

export interface FanOutOptions<Request, Part, PartResult, Result> {
  /** Takes a request apart. No part at all is a request that is done. */
  readonly split: (request: Request) => readonly Part[]
  /** Where the parts go: with `queueOf` the target of a part, it is one out-queue for each. */
  readonly stage: Stage<Part, PartResult>
  /** Makes the result of the parts' results, which come in the order of the parts. Default: that list. */
  readonly join?: (results: readonly PartResult[], request: Request) => Result
  /** Told once of each failed request for whose `result` nobody has asked. Without it such a failure is an unhandled rejection. */
  readonly onError?: TellError
}

/** What failed of a request: plain data. */
export interface FailedPart {
  /** Of the part, from 0. */
  readonly index: number
  readonly code: string | undefined
  readonly message: string
}

/** Every part has ended, and some have failed: `errors` are theirs, in the order of the parts, as are `details.failed`. */
export class FanOutError extends AggregateError {
  readonly code = 'FAN_OUT_FAILED'
  readonly details: { readonly parts: number, readonly failed: readonly FailedPart[] }

  constructor(results: readonly PromiseSettledResult<unknown>[]) {
    const failed = results.flatMap((result, index) => result.status === 'rejected' ? [{ index, error: result.reason as unknown }] : [])
    const parts = failed.map(({ index, error }) => ({ index, code: codeOf(error), message: messageOf(error) }))
    super(failed.map(({ error }) => error), `Cannot complete the request as each of its ${results.length} parts must succeed: ${parts.length} failed (${[...new Set(parts.map(({ code, message }) => code ?? message))].join(', ')})`)
    this.name = 'FanOutError'
    this.details = { parts: results.length, failed: parts }
  }
}

/**
 * Splits requests into parts, each with its own queue and target. A request completes
 * once: when all of its parts have ended, and never before, so that no part of a
 * request that was given up is still under way. With failures, its outcome is a
 * `FanOutError` with all of them.
 */
export class FanOut<Request, Part, PartResult, Result = readonly PartResult[]> {
  readonly #options: FanOutOptions<Request, Part, PartResult, Result>

  constructor(options: FanOutOptions<Request, Part, PartResult, Result>) {
    this.#options = options
  }

  /**
   * Resolves when every part was let in or turned away, waiting for room where there is
   * none. A part that was turned away, as the stage was closed or the signal aborted, has
   * failed; others go on.
   *
   * @throws the signal's reason, when it has aborted before; what `split` throws
   */
  async submit(request: Request, options: SubmitOptions = {}): Promise<Outcome<Result>> {
    options.signal?.throwIfAborted()
    const { split, stage, onError } = this.#options
    const accepted = split(request).map((part) => stage.submit(part, options))
    // Asked for at once, so that a part that fails while another waits for room is told here only.
    const ended = Promise.allSettled(accepted.map(async (part) => (await part).result))
    await Promise.allSettled(accepted)
    const outcome = new PendingOutcome<Result>()
    void this.#complete(request, ended).then((result) => outcome.succeed(result), (error: unknown) => outcome.fail(error, onError))
    return outcome
  }

  async #complete(request: Request, ended: Promise<PromiseSettledResult<PartResult>[]>): Promise<Result> {
    const results = await ended
    const values = results.flatMap((result) => result.status === 'fulfilled' ? [result.value] : [])
    if (values.length < results.length) throw new FanOutError(results)
    const { join = (parts) => parts as Result } = this.#options
    return join(values, request)
  }
}
