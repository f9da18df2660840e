import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Task } from 'reeve/queue'
import { formatDigestField } from './digest-field.js'
import { STATUS_OF } from './errors.js'
import type { RequestErrorCode } from './errors.js'
import type { VolumeEntry } from './open-volume.js'

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Its signal aborts when the client has gone before the answer was complete. */
  readonly task: Pick<Task<unknown>, 'signal'>
}

/** How long a client may go on sending a body that was refused, in ms. */
const LINGER_MS = 5_000

export function sendJson(exchange: Exchange, status: number, body: unknown, headers: OutgoingHttpHeaders = {}): void {
  exchange.response.end(writeJsonHead(exchange, status, body, headers))
}

/**
 * Answers `{ error: { code, message } }`, or cuts the connection when the answer has begun.
 *
 * A client may still be sending its body. To close at once would reset the
 * connection and lose the answer, so the whole answer is sent, but ended only
 * when the rest of the body has been read and thrown away, or has taken too long.
 * A client that waits for `100 Continue` sends no rest.
 */
export function sendError(exchange: Exchange, error: { readonly code: RequestErrorCode; readonly message: string }, headers: OutgoingHttpHeaders = {}): void {
  const { request, response } = exchange
  if (response.headersSent) {
    response.destroy()
    return
  }
  const waitsForContinue = request.headers.expect !== undefined && !request.readableDidRead
  if (waitsForContinue) response.setHeader('Connection', 'close')
  const text = writeJsonHead(exchange, STATUS_OF[error.code], { error: { code: error.code, message: error.message } }, headers)
  if (waitsForContinue || request.complete) {
    response.end(text)
    return
  }
  response.write(text)
  discardRest(request, () => response.end())
}

/** The head of an answer; gives its body. */
function writeJsonHead({ response }: Exchange, status: number, body: unknown, headers: OutgoingHttpHeaders): Buffer {
  const text = Buffer.from(`${JSON.stringify(body)}\n`)
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.length, ...headers })
  return text
}

/** Reads on until the body has ended or `LINGER_MS` have passed; then the connection is cut. */
function discardRest(request: IncomingMessage, onEnd: () => void): void {
  const cut = setTimeout(() => void request.destroy(), LINGER_MS)
  request.once('close', () => clearTimeout(cut))
  request.once('end', () => {
    clearTimeout(cut)
    onEnd()
  })
  request.resume()
}

/** What every answer about one volume carries. */
export function volumeHeaders(volume: { readonly sizeBytes: number; readonly sha256: string }): OutgoingHttpHeaders {
  return {
    'ETag': `"${volume.sha256}"`,
    'Repr-Digest': formatDigestField(volume.sha256),
    'X-Volume-Size': volume.sizeBytes,
    'X-Volume-Sha256': volume.sha256,
  }
}

/** A volume as JSON. */
export function volumeJson({ name, sizeBytes, sha256, rotten }: VolumeEntry): Record<string, unknown> {
  return { name, size: sizeBytes, sha256, ...(rotten && { rotten }) }
}
