import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { sendJson, volumeHeaders, volumeJson } from './answer.js'
import type { Exchange } from './answer.js'
import { parseDigestField } from './digest-field.js'
import { volumeError } from './errors.js'
import type { VolumeServerOptions } from './server-options.js'
import type { PutOptions } from './volume-store.js'

/** `PUT /volumes/NAME`: 201 when the name is new, 200 when it was replaced; the answer comes when the disk has it. */
export async function upload(exchange: Exchange, name: string, options: VolumeServerOptions): Promise<void> {
  const { request, response } = exchange
  const { store, context, maxVolumeBytes, idleTimeoutMs } = options
  const conditions = checkUpload(request, name, maxVolumeBytes)
  if (request.headers.expect !== undefined) response.writeContinue()
  const stored = await context.track(`upload ${name}`, async (signal) => {
    return await store.put(name, readBody(request, { name, signal, idleTimeoutMs }), { ...conditions, maxBytes: maxVolumeBytes, maxWaitMs: idleTimeoutMs })
  })
  sendJson(exchange, stored.created ? 201 : 200, volumeJson({ ...stored, rotten: false }), volumeHeaders(stored))
}

/** What can be said before a byte of the body is read. */
function checkUpload({ headers }: IncomingMessage, name: string, maxBytes: number): PutOptions {
  const length = Number(headers['content-length'] ?? 0)
  if (length > maxBytes) {
    throw volumeError('VOLUME_TOO_LARGE', `Cannot store "${name}" as a volume must have at most ${maxBytes} bytes: ${length} bytes`)
  }
  if (headers['content-range'] !== undefined) {
    throw volumeError('VOLUME_REQUEST_INVALID', `Cannot store "${name}" as a volume must be sent whole: Content-Range ${headers['content-range']}`)
  }
  refuseConditions(headers, name)
  const onlyIfAbsent = headers['if-none-match'] === '*'
  return { sha256: announcedDigest(headers, name), onlyIfAbsent }
}

/**
 * No lock spans the workers, so a write can be made to depend only on what one
 * system call decides: that the name is free. Better to refuse the other
 * conditions than to keep them most of the time.
 *
 * @throws CodedError VOLUME_PRECONDITION_UNSUPPORTED
 */
export function refuseConditions(headers: IncomingMessage['headers'], name: string): void {
  const ifNoneMatch = headers['if-none-match']
  const condition = headers['if-match'] ?? (ifNoneMatch === '*' ? undefined : ifNoneMatch)
  if (condition === undefined) return
  throw volumeError('VOLUME_PRECONDITION_UNSUPPORTED', `Cannot change "${name}" as the only condition of a write must be If-None-Match "*": ${condition}`)
}

/** The sha256 that the client says the body has. Without a Content-Encoding, which no volume has, both fields mean the same. */
function announcedDigest(headers: IncomingMessage['headers'], name: string): string | undefined {
  for (const field of ['content-digest', 'repr-digest']) {
    const value = headers[field]
    if (typeof value !== 'string') continue
    const sha256 = parseDigestField(value)
    if (sha256 === null) throw volumeError('VOLUME_REQUEST_INVALID', `Cannot store "${name}" as ${field} must be sha-256=:BASE64: of 32 bytes: ${value}`)
    if (sha256 !== undefined) return sha256
  }
  return undefined
}

interface ReadBodyOptions {
  readonly name: string
  /** Ends the upload with VOLUME_BUSY: the worker is about to be killed. */
  readonly signal: AbortSignal
  readonly idleTimeoutMs: number
}

/**
 * The body, chunk by chunk, no faster than it is taken. Rejects when the client goes, stalls or
 * when the signal aborts, and leaves the request open then, so that it can still be answered:
 * a request that is iterated itself is destroyed as soon as the iteration ends early.
 */
async function* readBody(request: IncomingMessage, { name, signal, idleTimeoutMs }: ReadBodyOptions): AsyncGenerator<Uint8Array> {
  const body = new PassThrough()
  const giveUp = (code: 'VOLUME_UPLOAD_ABORTED' | 'VOLUME_UPLOAD_STALLED' | 'VOLUME_BUSY', reason: string): void => {
    body.destroy(volumeError(code, `Cannot store "${name}" as ${reason}`))
  }
  const onAbort = (): void => giveUp('VOLUME_BUSY', 'the worker must stay until the end: it is being stopped')
  const onTimeout = (): void => giveUp('VOLUME_UPLOAD_STALLED', `a body must go on coming: nothing for ${idleTimeoutMs} ms`)
  const onClose = (): void => {
    if (!request.readableEnded) giveUp('VOLUME_UPLOAD_ABORTED', 'the body must come whole: the client went away')
  }
  body.on('error', () => undefined) // the iteration reports it; but it may come before the iteration begins
  request.on('error', onClose).on('close', onClose).setTimeout(idleTimeoutMs, onTimeout)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  else if (request.destroyed) onClose()
  try {
    yield* request.pipe(body)
  } finally {
    signal.removeEventListener('abort', onAbort)
    request.off('close', onClose).off('timeout', onTimeout).setTimeout(0) // an fsync may take its time
  }
}
