import type { IncomingMessage } from 'node:http'
import { sendJson, volumeHeaders, volumeJson } from './answer.js'
import type { Exchange } from './answer.js'
import { volumeError } from './errors.js'
import type { VolumeServerOptions } from './server-options.js'
import { refuseConditions } from './upload.js'
import { checkVolumeName } from './volume-name.js'

/** Of the JSON that says what to do. A name of 255 bytes may be written as six characters each. */
const MAX_BODY_BYTES = 4_096

/** `POST /volumes/NAME/clone` with `{ "to": "OTHER" }`: 201, or 409 when the other name is taken. */
export async function clone(exchange: Exchange, name: string, { copies, context }: VolumeServerOptions): Promise<void> {
  refuseConditions(exchange.request.headers, name)
  const to = await readTarget(exchange.request, name)
  beQuiet(exchange)
  const cloned = await context.track(`clone ${name} to ${to}`, async () => await copies.clone(name, to))
  const location = `/volumes/${encodeURIComponent(to)}`
  sendJson(exchange, 201, volumeJson({ ...cloned, rotten: false }), { ...volumeHeaders(cloned), Location: location })
}

/** `POST /volumes/NAME/flatten`. It goes on when the client goes away. */
export async function flatten(exchange: Exchange, name: string, { copies, context }: VolumeServerOptions): Promise<void> {
  refuseConditions(exchange.request.headers, name)
  beQuiet(exchange)
  const entry = await context.track(`flatten ${name}`, (signal) => orBusy(signal, `flatten "${name}"`, () => copies.flatten(name, signal)))
  sendJson(exchange, 200, volumeJson(entry))
}

/** `GET /volumes/NAME/checksum`: what the disk gives back now, `stored` beside it. It ends when the client goes away. */
export async function checksum(exchange: Exchange, name: string, { copies, context }: VolumeServerOptions): Promise<void> {
  beQuiet(exchange)
  const found = await context.track(`checksum ${name}`, (signal) => {
    return orBusy(signal, `read "${name}"`, () => copies.checksum(name, AbortSignal.any([signal, exchange.task.signal])))
  })
  const { sizeBytes, sha256, storedSha256 } = found
  const rotten = sha256 !== storedSha256
  sendJson(exchange, 200, { ...volumeJson({ name, sizeBytes, sha256, rotten }), stored: storedSha256 })
}

/** Nothing moves over the connection while the work goes on: that is no reason to cut it. */
function beQuiet({ request }: Exchange): void {
  request.setTimeout(0)
}

/** What was stopped as the worker is about to be killed is VOLUME_BUSY. */
async function orBusy<T>(stopped: AbortSignal, act: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!stopped.aborted) throw error
    throw volumeError('VOLUME_BUSY', `Cannot ${act} as the worker must stay until the end: it is being stopped`, error)
  }
}

/** @throws CodedError VOLUME_REQUEST_INVALID, VOLUME_NAME_INVALID */
async function readTarget(request: IncomingMessage, name: string): Promise<string> {
  const text = await readText(request, name)
  const target = targetOf(text)
  if (target === undefined) throw volumeError('VOLUME_REQUEST_INVALID', `Cannot clone "${name}" as the body must be JSON like {"to":"OTHER"}: ${text.slice(0, 100) || 'nothing'}`)
  return checkVolumeName(target)
}

function targetOf(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'to' in value && typeof value.to === 'string' ? value.to : undefined
  } catch {
    return undefined
  }
}

/** Leaves the request open when it says too much, so that it can be answered. */
async function readText(request: IncomingMessage, name: string): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    sizeBytes += chunk.length
    if (sizeBytes > MAX_BODY_BYTES) throw volumeError('VOLUME_REQUEST_INVALID', `Cannot clone "${name}" as the body must have at most ${MAX_BODY_BYTES} bytes: at least ${sizeBytes} bytes`)
  }
  return Buffer.concat(chunks).toString()
}
