import type { ListenTarget } from './listen-target.js'

/**
 * What launcher and worker say to each other over the worker's IPC channel.
 *
 * Every message is an object with the field `reeve`, so that what a user's
 * program sends by `process.send` is never taken for one of ours. To stop a
 * worker the launcher sends no message but SIGTERM: a worker behaves in the same
 * way whoever signals it.
 */

/** Launcher → worker. `start` is the first message, sent right after the fork. */
export type LauncherMessage = StartMessage | { readonly reeve: 'reopen-logs' } | CoordinationMessage

export interface StartMessage {
  readonly reeve: 'start'
  readonly name: string
  readonly host: string
  readonly workerId: number
  readonly workers: number
  readonly generation: number
  /** Absolute path of the service module. */
  readonly modulePath: string
  /** Script mode: `listen` waits for the first listening server, however long it takes. */
  readonly readyWhen: 'auto' | 'listen'
  readonly sockets: readonly ListenTarget[]
  readonly heartbeatIntervalMs: number
  /** From SIGTERM to SIGKILL; 0: for ever. */
  readonly gracefulShutdownTimeoutMs: number
  /** How long an idle keep-alive connection lives on in a drain; null: as long as its server's `keepAliveTimeout`. */
  readonly keepAliveGraceMs: number | null
  /** Tasks in the worker's pool, at most. */
  readonly maxConcurrent: number
  /** Threads for blocking calls. */
  readonly nativeThreads: number
  /** The event loop being busy for so long is told of, in ms; 0: never. */
  readonly loopDelayWarningMs: number
  /** The worker asks the kernel itself to die with its parent, as nothing did it before exec. */
  readonly dieWithParent: boolean
  /** Option `coordination_url`, checked. */
  readonly coordinationUrl: string
  /** Where the worker notes the leases that it asks for, see lease-register.ts; null where the store sees by itself that it died. */
  readonly leaseRegisterFd: number | null
  /** What `config/` needs to revive the configuration; opaque here. */
  readonly config: unknown
}

/** Both ways: what `coordination/` in the worker and in the launcher say to each other; opaque here. */
export interface CoordinationMessage {
  readonly reeve: 'coordination'
  readonly body: unknown
}

/** Worker → launcher. */
export type WorkerMessage = LifeMessage | CoordinationMessage

/** What a worker says of its own life. */
export type LifeMessage =
  | { readonly reeve: 'ready' }
  | { readonly reeve: 'beat'; readonly loopDelayMs: number; readonly rssBytes: number }
  /** The drain has begun, whoever asked for it. */
  | { readonly reeve: 'stopping' }
  | { readonly reeve: 'extend'; readonly ms: number }
  /** The worker is about to exit because it could not boot. */
  | { readonly reeve: 'failed'; readonly message: string }

/** What came over the channel as a message of ours; undefined when it is the program's own. */
export function parseWorkerMessage(received: unknown): WorkerMessage | undefined {
  // For PM2's wait_ready programs: process.send('ready').
  if (received === 'ready') return { reeve: 'ready' }
  if (!isRecord(received)) return undefined
  switch (received['reeve']) {
    case 'ready':
      return { reeve: 'ready' }
    case 'stopping':
      return { reeve: 'stopping' }
    case 'beat':
      return isAmount(received['loopDelayMs']) && isAmount(received['rssBytes'])
        ? { reeve: 'beat', loopDelayMs: received['loopDelayMs'], rssBytes: received['rssBytes'] }
        : undefined
    case 'extend':
      return isAmount(received['ms']) ? { reeve: 'extend', ms: received['ms'] } : undefined
    case 'coordination':
      return { reeve: 'coordination', body: received['body'] }
    case 'failed':
      return typeof received['message'] === 'string' ? { reeve: 'failed', message: received['message'] } : undefined
    default:
      return undefined
  }
}

/** Launcher's messages come from code of the same package: only their kind is checked. */
export function isLauncherMessage(received: unknown): received is LauncherMessage {
  return isRecord(received) && LAUNCHER_MESSAGES.has(received['reeve'])
}

const LAUNCHER_MESSAGES: ReadonlySet<unknown> = new Set<LauncherMessage['reeve']>(['start', 'reopen-logs', 'coordination'])

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
