// What the pools' threads run. `echo` gives its argument back: it is copied twice.
import { threadId } from 'node:worker_threads'

const never = new Int32Array(new SharedArrayBuffer(4))

export function noop() {}

export function echo(value) {
  return value
}

/** Blocks its thread as a native call would: no JavaScript runs in it. Says which thread that was. */
export function block(ms) {
  Atomics.wait(never, 0, 0, ms)
  return threadId
}
