// A back end whose every call blocks its thread for as long as it is told, as a native library does.
import { threadId } from 'node:worker_threads'

const never = new Int32Array(new SharedArrayBuffer(4))

export function connect(ms) {
  block(ms)
}

export function clone(ms) {
  block(ms)
}

/** A connection: its constructor blocks, as that of many native clients does. */
export class Client {
  constructor(ms) {
    block(ms)
  }

  clone(ms) {
    block(ms)
  }
}

/** Opened over a client, which lives in the same thread. */
export class Image {
  #client
  #ms

  constructor(client, ms) {
    if (!(client instanceof Client)) throw new TypeError(`Cannot open an image as it takes a client: ${client}`)
    this.#client = client
    this.#ms = ms
    block(ms)
  }

  /** The thread that it lives in. */
  id() {
    block(this.#ms)
    return threadId
  }

  close() {
    block(this.#ms)
  }
}

function block(ms) {
  Atomics.wait(never, 0, 0, ms)
}
