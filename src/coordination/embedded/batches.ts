/** A list of requests in parts, each of which fits into one message; no requests are no part. */
export function batches<Request extends object>(requests: readonly Request[]): Request[][] {
  const parts: Request[][] = []
  let room = 0
  for (const request of requests) {
    const size = sizeOf(request)
    if (size > room) {
      parts.push([])
      room = BATCH_BYTES
    }
    parts.at(-1)?.push(request)
    room -= size
  }
  return parts
}

/** Below the 64 KiB of a line, with room for what is around the list. */
const BATCH_BYTES = 60_000

function sizeOf(request: object): number {
  return Buffer.byteLength(JSON.stringify(request)) + 1
}
