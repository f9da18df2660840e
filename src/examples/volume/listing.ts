import { sendJson, volumeJson } from './answer.js'
import type { Exchange } from './answer.js'
import { volumeError } from './errors.js'
import type { VolumeStore } from './volume-store.js'

/** Lines of one answer at most, and by default. */
const MAX_LIMIT = 1_000

/**
 * `GET /volumes?after=NAME&limit=N`: sorted by name, a page at a time, so that an
 * answer is bounded however many volumes there are. `next` is the `after` of the next page, null on the last.
 * A page shows every volume that was there from its beginning to its end.
 */
export async function list(exchange: Exchange, query: URLSearchParams, store: VolumeStore): Promise<void> {
  const limit = parseLimit(query.get('limit'))
  const after = query.get('after') ?? ''
  const names = (await store.names()).filter((name) => name > after)
  const page = names.slice(0, limit)
  const volumes = (await store.entries(page)).map(volumeJson)
  sendJson(exchange, 200, { volumes, next: names.length > page.length ? page.at(-1) : null })
}

function parseLimit(text: string | null): number {
  const limit = text === null ? MAX_LIMIT : Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw volumeError('VOLUME_REQUEST_INVALID', `Cannot list volumes as limit must be an integer from 1 to ${MAX_LIMIT}: ${String(text)}`)
}
