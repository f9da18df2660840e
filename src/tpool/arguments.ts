import { ThreadPoolError } from './errors.js'
import { handleStateOf, type HandleState } from './handle.js'
import type { Home } from './home.js'
import { MARK } from './messages.js'
import { refusedArgument } from './refused-arguments.js'

export interface EncodedArguments {
  readonly args: readonly unknown[]
  /** Pairs of an index and a `MARK`. */
  readonly marks: readonly number[] | undefined
  /** The thread of the objects among them. */
  readonly owner: Home | undefined
}

const NONE: EncodedArguments = { args: [], marks: undefined, owner: undefined }

/**
 * The arguments of `label` as they are sent: objects of a thread by their
 * numbers, a `Buffer` by its own bytes and not by those of the pool that it is a
 * part of. `owner` is the thread of the object whose method it is.
 *
 * @throws ThreadPoolError ARGUMENT_UNCLONEABLE, REMOTE_OBJECTS_APART, REMOTE_OBJECT_DISPOSED
 */
export function encodeArguments(label: string, args: readonly unknown[], owner: Home | undefined, moved: readonly ArrayBuffer[] = []): EncodedArguments {
  if (args.length === 0) return owner ? { ...NONE, owner } : NONE
  const encoded = [...args]
  const marks: number[] = []
  let home = owner
  for (const [index, arg] of args.entries()) {
    if (typeof arg === 'function' || typeof arg === 'symbol') throw refusedArgument(label, index, arg)
    const state = typeof arg === 'object' && arg !== null ? handleStateOf(arg) : undefined
    if (state) {
      home = homeOfBoth(label, home, state)
      encoded[index] = state.id
      marks.push(index, MARK.object)
    } else if (Buffer.isBuffer(arg)) {
      encoded[index] = trimmed(arg, moved)
      marks.push(index, MARK.buffer)
    }
  }
  return { args: encoded, marks: marks.length > 0 ? marks : undefined, owner: home }
}

export function disposedObject(label: string, object: string): ThreadPoolError {
  return new ThreadPoolError('REMOTE_OBJECT_DISPOSED', `Cannot call "${label}" as its object must not be disposed: ${object}`)
}

function homeOfBoth(label: string, one: Home | undefined, object: HandleState): Home {
  const { home: other, life } = object
  if (life.disposed) throw disposedObject(label, object.label)
  if (one === undefined || one === other) return other
  throw new ThreadPoolError('REMOTE_OBJECTS_APART', `Cannot call "${label}" as its objects must live in one thread: ${one.name} and ${other.name}`, {
    details: { threads: [one.name, other.name] },
  })
}

/** A view is copied with all of the buffer behind it: 8 KiB for a small one, and what others have written there. */
export function trimmed(buffer: Buffer, moved: readonly ArrayBufferLike[] = []): Uint8Array {
  const whole = buffer.byteLength === buffer.buffer.byteLength || moved.includes(buffer.buffer)
  return whole ? buffer : Uint8Array.prototype.slice.call(buffer)
}
