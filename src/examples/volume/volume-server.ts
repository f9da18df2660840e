import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { limit } from 'reeve/queue'
import { checksum, clone, flatten } from './actions.js'
import { sendError, sendJson, volumeHeaders, volumeJson } from './answer.js'
import type { Exchange } from './answer.js'
import { download } from './download.js'
import { asRequestError, STATUS_OF, volumeError, volumeMissing } from './errors.js'
import { list } from './listing.js'
import type { VolumeServerOptions } from './server-options.js'
import { refuseConditions, upload } from './upload.js'
import { parseVolumeName } from './volume-name.js'
import type { VolumeStore } from './volume-store.js'

/**
 * The HTTP face of a store:
 *
 *     PUT | GET | HEAD | DELETE /volumes/NAME     GET | HEAD /volumes     GET | HEAD /health
 *     POST /volumes/NAME/clone     POST /volumes/NAME/flatten     GET /volumes/NAME/checksum
 *
 * All of them take a place in the worker's pool: with `max_concurrent` in work, more wait.
 * Every error is `{ "error": { "code", "message" } }`; the codes are in errors.ts.
 * What is given does not listen yet.
 */
export function createVolumeServer(options: VolumeServerOptions): Server {
  const answer = limit(options.context.pool)((request, response, task) => serve({ request, response, task }, options))
  const server = createServer(answer)
  server.on('checkContinue', answer)
  server.requestTimeout = 0 // it bounds the whole request, and a large body may take long; the idle timeout bounds its pauses
  server.timeout = options.idleTimeoutMs
  return server
}

type Handler = (exchange: Exchange) => Promise<void> | void

/** Never rejects: whatever is thrown is an answer, and in the log when it is our fault. */
async function serve(exchange: Exchange, options: VolumeServerOptions): Promise<void> {
  const { request, response } = exchange
  const act = `${request.method ?? ''} ${request.url ?? ''}`
  try {
    await handlerOf(request, options)(exchange)
  } catch (thrown) {
    if (response.destroyed && request.complete) return // the client left in the middle of its download
    const error = asRequestError(thrown, act)
    const fields = { code: error.code, request: act }
    if (STATUS_OF[error.code] >= 500) options.context.log.error('volume.request_failed', { ...fields, error: thrown })
    else options.context.log.info('volume.request_refused', { ...fields, reason: error.message })
    sendError(exchange, error)
  }
}

function handlerOf(request: IncomingMessage, options: VolumeServerOptions): Handler {
  const { path, query } = splitTarget(request.url ?? '')
  const methods = methodsOf(path, query, options)
  if (methods === undefined) {
    return () => { throw volumeError('VOLUME_ROUTE_UNKNOWN', `Cannot serve "${path}" as a path must be /volumes, /volumes/NAME, /volumes/NAME/ACT or /health: another`) }
  }
  const method = request.method ?? ''
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined
  return handler ?? ((exchange) => {
    const allow = Object.keys(methods).join(', ')
    const message = `Cannot serve "${path}" as the method must be one of ${allow}: ${method}`
    sendError(exchange, { code: 'VOLUME_METHOD_NOT_ALLOWED', message }, { Allow: allow })
  })
}

/** What a path can be asked, by method; undefined for a path that is none. */
function methodsOf(path: string, query: URLSearchParams, options: VolumeServerOptions): Readonly<Record<string, Handler>> | undefined {
  const { store } = options
  if (path === '/health') {
    const health: Handler = (exchange) => sendJson(exchange, 200, { status: 'ok', pid: process.pid })
    return { GET: health, HEAD: health }
  }
  if (path === '/volumes') {
    const lines: Handler = (exchange) => list(exchange, query, store)
    return { GET: lines, HEAD: lines }
  }
  if (!path.startsWith(VOLUME_PREFIX)) return undefined
  const [, segment = '', act] = /^(.*?)(?:\/(clone|flatten|checksum))?$/s.exec(path.slice(VOLUME_PREFIX.length)) ?? []
  const name = parseVolumeName(segment)
  if (act === 'clone') return { POST: (exchange) => clone(exchange, name, options) }
  if (act === 'flatten') return { POST: (exchange) => flatten(exchange, name, options) }
  if (act === 'checksum') return { GET: (exchange) => checksum(exchange, name, options) }
  const read: Handler = (exchange) => download(exchange, { name, query, store })
  return {
    GET: read,
    HEAD: read,
    PUT: (exchange) => upload(exchange, name, options),
    DELETE: (exchange) => remove(exchange, name, store),
  }
}

const VOLUME_PREFIX = '/volumes/'

async function remove(exchange: Exchange, name: string, store: VolumeStore): Promise<void> {
  refuseConditions(exchange.request.headers, name)
  const entry = await store.delete(name)
  if (entry === undefined) throw volumeMissing(name, 'delete')
  const { sizeBytes, sha256 } = entry
  sendJson(exchange, 200, volumeJson(entry), sha256 === null ? {} : volumeHeaders({ sizeBytes, sha256 }))
}

/**
 * Not by `new URL()`, which resolves `..` and takes `//x` for a host: a bad name
 * must be refused, not turned into another path.
 */
function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const [, path = '', query = ''] = /^(?:https?:\/\/[^/?]*)?([^?]*)\??(.*)$/is.exec(target) ?? []
  return { path, query: new URLSearchParams(query) }
}
