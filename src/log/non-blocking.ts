import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'

/** A way to write to what `fd` leads to, without waiting for its reader. */
export interface NonBlockingDescriptor {
  readonly fd: number
  close(): void
}

/**
 * Makes `fd` writable without waiting: `writeSync` gives EAGAIN then.
 *
 * O_NONBLOCK belongs to the open file description, which parent and children
 * share, and Node has no fcntl(2). So, in this order:
 * - a regular file never waits for a reader: as it is;
 * - a pipe or a terminal is opened again through `/proc`: a description of our own;
 * - a socket (the journal's) cannot be opened again: libuv is made to set the flag,
 *   as it does in any Node process that touches `process.stderr`. Those who share
 *   the socket then meet EAGAIN, and Reeve's own workers know how to wait it out;
 * - else as it is, and a reader who stalls, stalls us: a terminal without `/proc`.
 */
export function openNonBlocking(fd: number): NonBlockingDescriptor {
  const asItIs = { fd, close: () => {} }
  if (fstatSync(fd).isFile()) return asItIs
  return reopen(fd) ?? (setFlagByLibuv(fd), asItIs)
}

function reopen(fd: number): NonBlockingDescriptor | undefined {
  try {
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    return { fd: own, close: () => closeSync(own) }
  } catch {
    return undefined
  }
}

function setFlagByLibuv(fd: number): void {
  try {
    // Never destroyed, as that would close the descriptor, which is not ours. Neither read nor written through.
    new Socket({ fd, readable: false, writable: true }).on('error', () => {}).unref()
  } catch {
    // Neither a pipe nor a socket.
  }
}
