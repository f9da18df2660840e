import { closeSync } from 'node:fs'
import net from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { loadNative, type Native } from '../base/native.js'

/**
 * A pipe between this process and a child that is not started yet.
 *
 * What Node calls a pipe is a pair of sockets: a child that opens /dev/stdout or
 * /dev/stdin gets ENXIO, and no more than 64 KiB are read at a time. With koffi, on
 * Linux, it is a real pipe of up to 1 MiB (of the system's default size where the
 * user's share of pipe memory is spent); else it is what Node has.
 */
export interface ChildPipe<NodeStream, End = NodeStream> {
  /** For the `stdio` of spawn(). */
  readonly stdio: number | 'pipe'
  /** To be called once, after spawn(), with Node's own stream of this place. */
  open(nodeStream: NodeStream | null): End
  /** Instead of `open()` when there is no child. */
  abandon(): void
}

/** The reading end of the parent: a real pipe into memory of one's own, or a stream of chunks. */
export type ReadEnd =
  | { readonly kind: 'pipe'; readonly fd: number }
  | { readonly kind: 'stream'; readonly stream: Readable }

export function outputPipe(sizeBytes: number): ChildPipe<Readable, ReadEnd> {
  const native = nativePipes()
  if (!native) return { stdio: 'pipe', open: (stream) => ({ kind: 'stream', stream: present(stream) }), abandon: () => {} }
  const { readFd, writeFd } = native.openPipe(sizeBytes)
  return {
    stdio: writeFd,
    open: () => {
      closeSync(writeFd)
      return { kind: 'pipe', fd: readFd }
    },
    abandon: () => { for (const fd of [readFd, writeFd]) closeSync(fd) },
  }
}

export function inputPipe(sizeBytes: number): ChildPipe<Writable> {
  const native = nativePipes()
  if (!native) return { stdio: 'pipe', open: present, abandon: () => {} }
  const { readFd, writeFd } = native.openPipe(sizeBytes)
  return {
    stdio: readFd,
    open: () => {
      closeSync(readFd)
      return new net.Socket({ fd: writeFd, readable: false, writable: true })
    },
    abandon: () => { for (const fd of [readFd, writeFd]) closeSync(fd) },
  }
}

function nativePipes(): Native | undefined {
  return process.platform === 'linux' ? loadNative() : undefined
}

function present<Stream>(stream: Stream | null): Stream {
  if (stream === null) throw new TypeError('Cannot open the pipe of a child as it was not started with one')
  return stream
}
