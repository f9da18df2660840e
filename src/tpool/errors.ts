import { CodedError } from '../base/errors.js'

/** Codes of `reeve/tpool`. What the called code throws keeps its own. */
export type ThreadPoolErrorCode =
  /** The pool is closed, or was while the call waited. */
  | 'POOL_CLOSED'
  /** `configure()` after the first thread was started. */
  | 'POOL_STARTED'
  /** `whenFull: 'reject'`, and `maxQueue` calls wait already. `details`: `{ maxQueue }`. */
  | 'QUEUE_FULL'
  /** `timeoutMs` was over. If the call ran, its thread was ended: what it did until then is done. `details`: `{ timeoutMs, ran }`. */
  | 'CALL_TIMEOUT'
  /** The thread ended under the call: crashed, out of memory, or ended with another call. The call may have been done in part. */
  | 'THREAD_LOST'
  /** A thread could not be started, or its `init` failed; `cause` says why. */
  | 'THREAD_START_FAILED'
  /** A function, a symbol or another thing that cannot be copied. `details`: `{ argument, path, type }`, the first argument is 1. */
  | 'ARGUMENT_UNCLONEABLE'
  /** The call was done, but what it gave cannot be copied. `details`: `{ path, type }`. */
  | 'RESULT_UNCLONEABLE'
  /** The thread of the object ended, and the object with it. */
  | 'REMOTE_OBJECT_LOST'
  /** A call on an object after its disposal. */
  | 'REMOTE_OBJECT_DISPOSED'
  /** Two objects of one call live on different threads. */
  | 'REMOTE_OBJECTS_APART'
  /** An option names an export that the module has not. */
  | 'EXPORT_NOT_FOUND'

export class ThreadPoolError extends CodedError<ThreadPoolErrorCode> {}

/** A call, named `label`, on an object whose thread, `home`, has ended. */
export function lostObject(label: string, home: { readonly name: string; readonly lost: unknown }): ThreadPoolError {
  return new ThreadPoolError('REMOTE_OBJECT_LOST', `Cannot call "${label}" as the object lived in a thread that has ended: ${home.name}`, { cause: home.lost })
}
