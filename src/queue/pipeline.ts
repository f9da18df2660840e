import { queueAborted } from './errors.js'
import { isAbortOf } from './on-abort.js'
import { PendingOutcome, type Outcome, type TellError } from './outcome.js'
import type { Receiver, Stage, SubmitOptions } from './stage.js'
import type { WaitOptions } from './take-side.js'

export interface PipelineOptions {
  /** Told once of each failure for whose `result` nobody has asked. Without it such a failure is an unhandled rejection. */
  readonly onError?: TellError
}

/** Stages in a row: what one makes of an item is the item of the next. */
export interface Pipeline<Item, Result> {
  /** Resolves when the first stage has let the item in; its outcome is what the last one makes of it, or the failure of any. */
  submit(item: Item, options?: SubmitOptions): Promise<Outcome<Result>>
  /** Resolves when no stage has anything left of what was submitted before. */
  drain(options?: WaitOptions): Promise<void>
  /** No more items; closes the stages from first to last, each when the one before has handed on all it had. */
  close(options?: WaitOptions): Promise<void>
  /** Aborts every stage. Each item that was under way has `reason` as its outcome. */
  abort(reason?: unknown): void
}

type AnyStage = Stage<unknown, unknown>

/**
 * Chains stages. A consumer that is done with an item keeps its place until the next
 * stage has let the result in: a slow stage slows those before it, up to `submit`, and
 * nothing piles up between them. An item that was submitted to the control lane stays
 * in it. A stage may be in several pipelines, but not in a ring: full, it would wait
 * for itself.
 */
export function pipeline<A, B, C>(first: Stage<A, B>, second: Stage<B, C>, options?: PipelineOptions): Pipeline<A, C>
export function pipeline<A, B, C, D>(first: Stage<A, B>, second: Stage<B, C>, third: Stage<C, D>, options?: PipelineOptions): Pipeline<A, D>
export function pipeline<A, B, C, D, E>(...stages: [Stage<A, B>, Stage<B, C>, Stage<C, D>, Stage<D, E>, PipelineOptions?]): Pipeline<A, E>
export function pipeline<A, B, C, D, E, F>(...stages: [Stage<A, B>, Stage<B, C>, Stage<C, D>, Stage<D, E>, Stage<E, F>, PipelineOptions?]): Pipeline<A, F>
export function pipeline(...parts: readonly unknown[]): Pipeline<unknown, unknown> {
  const stages = parts.filter(isStage)
  const { onError } = (parts.find((part) => !isStage(part)) ?? {}) as PipelineOptions
  const abortion = new AbortController()
  return {
    submit: (item, options) => submit({ stages, onError, aborted: abortion.signal }, item, options),
    drain: (options) => inOrder(stages, (stage) => stage.drain(options)),
    close: (options) => inOrder(stages, (stage) => stage.close(options)),
    abort: (reason = queueAborted('the pipeline')) => {
      abortion.abort(reason)
      for (const stage of stages) stage.abort(reason)
    },
  }
}

function isStage(part: unknown): part is AnyStage {
  return typeof part === 'object' && part !== null && 'submitFor' in part
}

interface Chain extends PipelineOptions {
  readonly stages: readonly AnyStage[]
  readonly aborted: AbortSignal
}

async function submit({ stages, onError, aborted }: Chain, item: unknown, { signal, lane }: SubmitOptions = {}): Promise<Outcome<unknown>> {
  const outcome = new PendingOutcome<unknown>()
  const reject = (error: unknown): void => isAbortOf(aborted, error) ? outcome.cancel(error) : outcome.fail(error, onError)
  const receiverOf = (index: number): Receiver<unknown> => {
    const next = stages[index + 1]
    if (!next) return { resolve: (result) => outcome.succeed(result), reject }
    return { resolve: (result) => next.submitFor(result, receiverOf(index + 1), { lane }).catch(reject), reject }
  }
  await stages[0]?.submitFor(item, receiverOf(0), { lane, signal })
  return outcome
}

async function inOrder(stages: readonly AnyStage[], act: (stage: AnyStage) => Promise<void>): Promise<void> {
  for (const stage of stages) await act(stage)
}
