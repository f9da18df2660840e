import type { Capabilities } from '../contract.js'

/** Worker → launcher, within a message of ipc/host-link.ts. */
export type WorkerBody =
  /** It is about to use coordination: the launcher should be connected by the time the worker dies. */
  | { readonly kind: 'hello' }
  /** The driver `embedded:` over this channel; see embedded/protocol.ts. */
  | { readonly kind: 'store'; readonly message: object }
  | { readonly kind: 'put'; readonly call: number; readonly group: string; readonly member: string; readonly capabilities: Capabilities; readonly ttlMs: number }
  | { readonly kind: 'remove'; readonly call: number; readonly group: string; readonly member: string }
  /** The coordinator was stopped. */
  | { readonly kind: 'bye' }

/** Launcher → worker. */
export type HostBody =
  | { readonly kind: 'store'; readonly message: object }
  | { readonly kind: 'answer'; readonly call: number; readonly result: boolean }
  | { readonly kind: 'failure'; readonly call: number; readonly code: string; readonly message: string }
  /** Members of this worker in that group had been taken for dead, and were put back. */
  | { readonly kind: 'rejoined'; readonly group: string }

/** Only its kind is checked: it comes from code of this package, though perhaps of another version of it. */
export function isWorkerBody(received: unknown): received is WorkerBody {
  return typeof received === 'object' && received !== null && 'kind' in received && KINDS.has(received.kind)
}

const KINDS: ReadonlySet<unknown> = new Set<WorkerBody['kind']>(['hello', 'store', 'put', 'remove', 'bye'])
