/** An iterator of either kind, as it is pulled. */
export interface AnyIterator {
  next(): IteratorResult<unknown> | Promise<IteratorResult<unknown>>
  return?(): unknown
}

/** What is an iterable and no plain data, or an iterator itself; undefined for all else. */
export function iteratorOf(value: object): AnyIterator | undefined {
  if (Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set) return undefined
  const iterable = value as Partial<AsyncIterable<unknown> & Iterable<unknown> & AnyIterator>
  if (Symbol.asyncIterator in iterable) return iterable[Symbol.asyncIterator]?.()
  if (Symbol.iterator in iterable) return iterable[Symbol.iterator]?.()
  return typeof iterable.next === 'function' ? iterable as AnyIterator : undefined
}

/** So long, in ms, are further items waited for when there is one. */
const FILL_MS = 1

/** The next items, at least one and at most `limit`, unless it ends. */
export async function pull(iterator: AnyIterator, limit: number): Promise<{ items: unknown[]; done: boolean }> {
  const items: unknown[] = []
  const end = performance.now() + FILL_MS
  do {
    const result: IteratorResult<unknown, unknown> = await iterator.next()
    if (result.done) return { items, done: true }
    items.push(result.value)
  } while (items.length < limit && performance.now() < end)
  return { items, done: false }
}
