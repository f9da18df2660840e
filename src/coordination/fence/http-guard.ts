import type { IncomingMessage, ServerResponse } from 'node:http'
import { fenceText, parseFence } from './fence.js'
import { MemoryFenceStore, type FenceStore } from './fence-store.js'

/**
 * Fences over HTTP: the holder of a lease sends its fence with each write, and the
 * server refuses those of an older holder.
 *
 * It judges requests as they arrive. One that was let in may still be at work when
 * a newer holder's arrives: what must not be overtaken there passes its fence on to
 * where it writes (`fencedUpdate`, `guardedSet`, `guardedWriteFile`).
 */
export const FENCING_TOKEN_HEADER = 'Fencing-Token'

/** The header to send with each write: `fetch(url, { method: 'PUT', headers: fenceHeaders(held), body })`. @throws RangeError, TypeError */
export function fenceHeaders({ fence }: { readonly fence: bigint }): Record<string, string> {
  return { [FENCING_TOKEN_HEADER]: fenceText(fence) }
}

export interface FenceGuardOptions {
  /** Where fences are kept. Default: this process's memory (see MemoryFenceStore). */
  readonly store?: FenceStore
  /** What a request wants to write; undefined: nothing that is guarded. Default: the path of the URL, for every method but GET, HEAD, OPTIONS and TRACE. */
  readonly resourceOf?: (request: IncomingMessage) => string | undefined
  /** Refuse a write without the header. Default true. */
  readonly required?: boolean
}

export type FenceVerdict =
  /** `fence` undefined: it came without one, which is allowed here. */
  | { readonly allowed: true; readonly fence: bigint | undefined }
  | { readonly allowed: false; readonly status: 400 | 412 | 428; readonly code: 'FENCE_INVALID' | 'FENCE_STALE' | 'FENCE_REQUIRED'; readonly message: string }

export interface FenceGuard {
  /** Judges a write, and raises the resource's fence when it is allowed. Rejects with what the store throws. */
  check(resource: string, header: string | readonly string[] | undefined): Promise<FenceVerdict>
  /**
   * For express, or in front of a handler of node:http. Calls `next` when the write is
   * allowed, with the error when the store failed. Else answers itself, in JSON
   * `{code, message}`: 412 FENCE_STALE, 428 FENCE_REQUIRED (RFC 6585), 400 FENCE_INVALID.
   */
  readonly middleware: (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void
}

export function createFenceGuard({ store = new MemoryFenceStore(), resourceOf = pathOfWrite, required = true }: FenceGuardOptions = {}): FenceGuard {
  const check: FenceGuard['check'] = async (resource, header) => {
    if (header === undefined) return required ? refusal(428, 'FENCE_REQUIRED', resource, `a write has the header ${FENCING_TOKEN_HEADER}`) : { allowed: true, fence: undefined }
    const fence = typeof header === 'string' ? parseFence(header.trim()) : undefined
    if (fence === undefined) return refusal(400, 'FENCE_INVALID', resource, `${FENCING_TOKEN_HEADER} is one decimal number below 2^53`)
    const newest = await store.raise(resource, fence)
    if (newest > fence) return refusal(412, 'FENCE_STALE', resource, `it has seen a newer fence (${newest}): ${fence}`)
    return { allowed: true, fence }
  }
  const guard = async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const resource = resourceOf(request)
    if (resource === undefined) return true
    const verdict = await check(resource, request.headers[FENCING_TOKEN_HEADER.toLowerCase()])
    if (!verdict.allowed) answer(response, verdict)
    return verdict.allowed
  }
  return {
    check,
    middleware: (request, response, next) => {
      guard(request, response).then((allowed) => { if (allowed) next() }, next)
    },
  }
}

type Refusal = Extract<FenceVerdict, { allowed: false }>

function refusal(status: Refusal['status'], code: Refusal['code'], resource: string, rule: string): Refusal {
  return { allowed: false, status, code, message: `Cannot write "${resource}" as ${rule}` }
}

function answer(response: ServerResponse, { status, code, message }: Refusal): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(`${JSON.stringify({ code, message })}\n`)
}

const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** express cuts the mount point off `url` and keeps the whole in `originalUrl`. */
function pathOfWrite(request: IncomingMessage & { readonly originalUrl?: string }): string | undefined {
  if (SAFE_METHODS.has(request.method)) return undefined
  return (request.originalUrl ?? request.url ?? '/').split('?', 1)[0]
}
