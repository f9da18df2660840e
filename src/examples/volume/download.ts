import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { stream } from 'reeve/exec'
import { sendError, volumeHeaders } from './answer.js'
import type { Exchange } from './answer.js'
import { parseByteRange } from './byte-range.js'
import { volumeError, volumeMissing, volumeRotten } from './errors.js'
import type { OpenVolume } from './open-volume.js'
import type { Summary } from './volume-file.js'
import type { VolumeStore } from './volume-store.js'

export interface DownloadOptions {
  readonly name: string
  /** `via=cat`: the body comes from cat(1) through a pipe, whole; otherwise this process reads it. */
  readonly query: URLSearchParams
  readonly store: VolumeStore
}

/** `GET` and `HEAD /volumes/NAME`: the body, or one range of it. A rotten volume is never served. */
export async function download(exchange: Exchange, { name, query, store }: DownloadOptions): Promise<void> {
  const viaCat = parseVia(query.get('via'), name) === 'cat'
  const volume = await store.open(name)
  if (volume === undefined) throw volumeMissing(name, 'read')
  try {
    const { summary, entry } = volume
    if (summary === undefined || entry.rotten) {
      throw volumeRotten(name, 'read', entry.sha256 === null ? 'its footer is damaged' : 'they have another')
    }
    if (isRefused(exchange, volume, summary)) return
    await (viaCat ? serveByCat(exchange, volume, summary) : serve(exchange, volume, summary))
  } finally {
    await volume.close()
  }
}

function parseVia(via: string | null, name: string): 'cat' | 'here' {
  if (via === null) return 'here'
  if (via === 'cat' && process.platform === 'linux') return 'cat'
  throw volumeError('VOLUME_REQUEST_INVALID', `Cannot read "${name}" as via must be cat, and this Linux: ${via} on ${process.platform}`)
}

/** True when a condition has answered the request already. @throws CodedError VOLUME_PRECONDITION_FAILED */
function isRefused({ request, response }: Exchange, volume: OpenVolume, summary: Summary): boolean {
  const etag = `"${summary.sha256}"`
  if (!meets(request.headers['if-match'] ?? '*', etag)) {
    throw volumeError('VOLUME_PRECONDITION_FAILED', `Cannot read "${volume.entry.name}" as its ETag must be ${String(request.headers['if-match'])}: ${etag}`)
  }
  if (meets(weakened(request.headers['if-none-match']), etag)) {
    response.writeHead(304, volumeHeaders(summary)).end()
    return true
  }
  return false
}

async function serve(exchange: Exchange, volume: OpenVolume, summary: Summary): Promise<void> {
  const { request, response } = exchange
  const etag = `"${summary.sha256}"`
  const range = request.method === 'GET' ? parseByteRange(applicableRange(request.headers, etag), summary.sizeBytes) : 'whole'
  if (range === 'unsatisfiable') {
    refuseRange(exchange, volume, `a range must begin before byte ${summary.sizeBytes}`)
    return
  }
  const { start, end } = range === 'whole' ? { start: 0, end: summary.sizeBytes - 1 } : range
  response.writeHead(range === 'whole' ? 200 : 206, {
    ...bodyHeaders(summary, end - start + 1),
    'Accept-Ranges': 'bytes',
    ...(range !== 'whole' && { 'Content-Range': `bytes ${start}-${end}/${summary.sizeBytes}` }),
  })
  if (request.method === 'HEAD') response.end()
  else await pipeline(volume.stream({ start, end }), response)
}

/** cat(1) is given the file that is open here, not its name, which may by now be another volume's. */
async function serveByCat(exchange: Exchange, volume: OpenVolume, summary: Summary): Promise<void> {
  const { request, response, task } = exchange
  if (request.headers.range !== undefined) {
    refuseRange(exchange, volume, 'cat must give all of it, without a range')
    return
  }
  response.writeHead(200, { ...bodyHeaders(summary, summary.sizeBytes), 'Accept-Ranges': 'none' })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  await using cat = stream('cat', [volume.descriptorPath], { signal: task.signal })
  await pipeline(firstBytes(cat.stdout, summary.sizeBytes), response)
}

/** Without what follows, which is the footer. */
async function* firstBytes(chunks: AsyncIterable<Buffer>, sizeBytes: number): AsyncGenerator<Buffer> {
  let leftBytes = sizeBytes
  for await (const chunk of chunks) {
    yield chunk.subarray(0, leftBytes)
    leftBytes -= chunk.length
    if (leftBytes <= 0) return
  }
}

function bodyHeaders(summary: Summary, lengthBytes: number): OutgoingHttpHeaders {
  return {
    ...volumeHeaders(summary),
    'Content-Type': 'application/octet-stream',
    'Content-Length': lengthBytes,
    'X-Content-Type-Options': 'nosniff',
  }
}

function refuseRange(exchange: Exchange, { entry }: OpenVolume, rule: string): void {
  const message = `Cannot read "${entry.name}" as ${rule}: ${String(exchange.request.headers.range)}`
  sendError(exchange, { code: 'VOLUME_RANGE_INVALID', message }, { 'Content-Range': `bytes */${entry.sizeBytes}` })
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
