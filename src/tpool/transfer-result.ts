const KEY = Symbol.for('reeve.tpool.transfer')

/** What a function in a thread returns to have its buffers moved, not copied. */
interface Moved {
  readonly [KEY]: readonly ArrayBuffer[]
  readonly value: unknown
}

/**
 * In a thread: returns `value` to the caller with its buffers moved, not copied.
 * They are empty in the thread afterwards. Which: `transfer`, or without it the
 * buffer of `value` itself and those of its direct properties.
 *
 * ```ts
 * export function read(path: string): Uint8Array {
 *   return transferResult(new Uint8Array(readFileSync(path)))
 * }
 * ```
 *
 * A small `Buffer` of Node's shared pool is copied all the same.
 */
export function transferResult<T>(value: T, transfer: readonly ArrayBuffer[] = buffersOf(value)): T {
  const moved: Moved = { [KEY]: transfer, value }
  // The runner takes it apart before anyone else sees it.
  return moved as T
}

export function isMoved(result: object): result is Moved {
  return KEY in result
}

/** The moved value, and what of it is to be moved. */
export function unwrapMoved(moved: Moved): { readonly value: unknown; readonly transfer: readonly ArrayBuffer[] } {
  return { value: moved.value, transfer: moved[KEY] }
}

function buffersOf(value: unknown): readonly ArrayBuffer[] {
  if (typeof value !== 'object' || value === null) return []
  const own = bufferOf(value)
  const found = own === undefined ? Object.values(value).map(bufferOf) : [own]
  return [...new Set(found)].filter((buffer) => buffer !== undefined)
}

function bufferOf(value: unknown): ArrayBuffer | undefined {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value
  const shared = Buffer.isBuffer(value) && value.byteLength < value.buffer.byteLength
  return buffer instanceof ArrayBuffer && !shared ? buffer : undefined
}
