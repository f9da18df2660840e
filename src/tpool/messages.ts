import type { MessagePort } from 'node:worker_threads'
import type { EncodedError } from './error-codec.js'
import type { ThreadInit } from './options.js'

/**
 * What the pool and its threads say to each other.
 *
 * A batch of calls is one flat array, `CALL_FIELDS` entries a call: V8 writes and
 * reads it at a fraction of the cost of an object a call. An answer is a message
 * of its own, so that none waits for the end of the call behind it; answers come
 * in the order of the calls, and so need no number.
 */

/** `[number, kind, target, name, args, marks]`, again and again. */
export type Batch = unknown[]
export const CALL_FIELDS = 6

/** What `target` is: of the first four the number of a module, then that of an object or of an iterator. */
export const CALL = {
  describe: 0, run: 1, construct: 2, value: 3,
  method: 4, property: 5, dispose: 6, iterate: 7, pull: 8, finish: 9,
} as const
export type CallKind = (typeof CALL)[keyof typeof CALL]

/** What stands in `args` for something else: pairs of an index and one of these. */
export const MARK = { object: 0, buffer: 1 } as const

/** `[kind, value, runMs]` */
export type Answer = readonly [kind: AnswerKind, value: unknown, runMs: number]
export const ANSWER = { value: 0, error: 1, buffer: 2, object: 3, iterator: 4 } as const
export type AnswerKind = (typeof ANSWER)[keyof typeof ANSWER]

/** A value on its way to the caller, without what is told of the call. */
export type EncodedResult = readonly [kind: AnswerKind, value: unknown]

/** Items of an iterable; `done` after the last. */
export interface Pulled {
  readonly items: readonly EncodedResult[]
  readonly done: boolean
}

/** How a module is used, told to each thread before its first call of it. */
export interface ModuleDefinition {
  readonly id: number
  readonly url: string
  readonly remote: readonly string[]
  readonly dispose: string | undefined
}

/** An export, for the caller's side. */
export type ExportDescription =
  | { readonly kind: 'function' | 'value'; readonly name: string }
  | { readonly kind: 'class'; readonly name: string; readonly statics: readonly string[]; readonly values: readonly string[] }

/** An object that stays in its thread. */
export interface ObjectDescription {
  readonly id: number
  readonly className: string
  readonly methods: readonly string[]
  readonly iterable: boolean
}

/** To a thread, beside batches. No answer but to `close`. */
export type Control =
  | { readonly define: ModuleDefinition }
  /** Nobody holds the object any more, unless it was given out more than `times` times. */
  | { readonly drop: number; readonly times: number }
  | { readonly close: true }

/** From a thread, beside answers. */
export type Notice = 'ready' | 'closed' | { readonly failed: EncodedError }

export interface ThreadStart {
  readonly port: MessagePort
  /** See `claim.ts`. */
  readonly claim: Int32Array
  readonly init: { readonly module: string; readonly data: ThreadInit['data'] } | undefined
}
