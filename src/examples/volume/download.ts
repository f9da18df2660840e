import type { IncomingHttpHeaders } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { sendError, volumeHeaders } from './answer.js'
import type { Exchange } from './answer.js'
import { parseByteRange } from './byte-range.js'
import { volumeError } from './errors.js'
import type { OpenVolume } from './open-volume.js'
import type { Summary } from './volume-file.js'
import type { VolumeStore } from './volume-store.js'

/** `GET` and `HEAD /volumes/NAME`: the body, or one range of it. A rotten volume is never served. */
export async function download(exchange: Exchange, name: string, store: VolumeStore): Promise<void> {
  const volume = await store.open(name)
  if (volume === undefined) throw volumeMissing(name, 'read')
  try {
    const { summary, entry } = volume
    if (summary === undefined || entry.rotten) {
      throw volumeError('VOLUME_ROTTEN', `Cannot read "${name}" as its bytes must have the sha256 they were stored with: ${entry.sha256 === null ? 'its footer is damaged' : 'they have another'}`)
    }
    await serve(exchange, volume, summary)
  } finally {
    await volume.close()
  }
}

export function volumeMissing(name: string, act: 'read' | 'delete'): Error {
  return volumeError('VOLUME_NOT_FOUND', `Cannot ${act} "${name}" as it must exist: no such volume`)
}

async function serve(exchange: Exchange, volume: OpenVolume, summary: Summary): Promise<void> {
  const { request, response } = exchange
  const headers = { ...volumeHeaders(summary), 'Accept-Ranges': 'bytes' }
  const etag = `"${summary.sha256}"`
  if (!meets(request.headers['if-match'] ?? '*', etag)) {
    throw volumeError('VOLUME_PRECONDITION_FAILED', `Cannot read "${volume.entry.name}" as its ETag must be ${String(request.headers['if-match'])}: ${etag}`)
  }
  if (meets(weakened(request.headers['if-none-match']), etag)) {
    response.writeHead(304, headers).end()
    return
  }
  const range = request.method === 'GET' ? parseByteRange(applicableRange(request.headers, etag), summary.sizeBytes) : 'whole'
  if (range === 'unsatisfiable') {
    const error = volumeError('VOLUME_RANGE_INVALID', `Cannot read "${volume.entry.name}" as a range must begin before byte ${summary.sizeBytes}: ${String(request.headers.range)}`)
    sendError(exchange, { code: 'VOLUME_RANGE_INVALID', message: error.message }, { 'Content-Range': `bytes */${summary.sizeBytes}` })
    return
  }
  const { start, end } = range === 'whole' ? { start: 0, end: summary.sizeBytes - 1 } : range
  response.writeHead(range === 'whole' ? 200 : 206, {
    ...headers,
    'Content-Type': 'application/octet-stream',
    'Content-Length': end - start + 1,
    'X-Content-Type-Options': 'nosniff',
    ...(range !== 'whole' && { 'Content-Range': `bytes ${start}-${end}/${summary.sizeBytes}` }),
  })
  if (request.method === 'HEAD') response.end()
  else await pipeline(volume.stream({ start, end }), response)
}

/** True when a list of entity tags, or `*`, holds `etag`. RFC 9110 13.1 */
function meets(list: string, etag: string): boolean {
  return list.split(',').some((candidate) => ['*', etag].includes(candidate.trim()))
}

/** If-None-Match compares weakly: `W/"x"` is `"x"`. */
function weakened(list: string | undefined): string {
  return (list ?? '').replaceAll('W/"', '"')
}

/** The Range field, unless If-Range says that the client's part is of another body. */
function applicableRange(headers: IncomingHttpHeaders, etag: string): string | undefined {
  const ifRange = headers['if-range']
  return ifRange === undefined || ifRange === etag ? headers.range : undefined
}
