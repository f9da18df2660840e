import type { ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import { accessSync, constants, realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseWorkerMessage, type LauncherMessage, type LifeMessage, type StartMessage } from '../ipc/messages.js'

/** What the launcher hears of one process. `exited` is the last. */
export type ProcessEvent =
  | { readonly type: 'message'; readonly message: LifeMessage }
  | { readonly type: 'exited'; readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly error?: Error }

/** What is between the process and the launcher's coordination: no affair of the supervisor's. */
export interface CoordinationHooks {
  /** How to send to the process; called once, before anything else. */
  connect(send: (message: LauncherMessage) => void): void
  onCoordination(body: unknown): void
  onBeat(): void
  /** Called in the turn in which the kernel told of it; what it said last may still follow. */
  onDeath(): void
}

export interface ForkOptions {
  readonly start: Omit<StartMessage, 'reeve' | 'dieWithParent'>
  readonly hooks: CoordinationHooks
  /** The service's own arguments: its `process.argv` from 2 on. */
  readonly args: readonly string[]
  /** Modules for Node's `--import`. */
  readonly imports: readonly string[]
  readonly cwd: string | undefined
  readonly env: Readonly<Record<string, string>>
  /** Descriptors of this process that become 4, 5, … in the child. */
  readonly fds: readonly number[]
}

/** The descriptor that the first inherited socket has in a worker: 0 to 2 are stdio, 3 is the IPC channel. */
export const FIRST_INHERITED_FD = 4

/** One worker process, by its handle: a pid may by the time of a kill belong to somebody else. */
export class WorkerProcess {
  readonly pid: number | undefined
  readonly #child: ChildProcess

  /** Forks. `onEvent` is called from Node's callbacks and must only take note. */
  constructor(options: ForkOptions, onEvent: (event: ProcessEvent) => void) {
    const { hooks } = options
    const child = forkOrBury(options)
    this.#child = child
    hooks.connect((message) => this.send(message))
    this.pid = child.pid
    let ended = false
    const exited = (event: Omit<Extract<ProcessEvent, { type: 'exited' }>, 'type'>): void => {
      if (ended) return
      ended = true
      onEvent({ type: 'exited', ...event })
    }
    child.on('message', (received) => {
      const message = parseWorkerMessage(received)
      if (!message) return
      if (message.reeve === 'coordination') return hooks.onCoordination(message.body)
      if (message.reeve === 'beat') hooks.onBeat()
      onEvent({ type: 'message', message })
    })
    // Its last message may still be in the channel, which closes after it.
    child.once('exit', (code, signal) => {
      hooks.onDeath()
      if (!child.connected) return exited({ code, signal })
      const timer = setTimeout(() => exited({ code, signal }), LAST_MESSAGE_MS)
      child.once('disconnect', () => {
        clearTimeout(timer)
        exited({ code, signal })
      })
    })
    // Without a pid it never ran, and no 'exit' follows; with one it is a failed send or kill.
    child.on('error', (error) => {
      if (child.pid !== undefined) return
      hooks.onDeath()
      exited({ code: null, signal: null, error })
    })
    this.send({ reeve: 'start', dieWithParent: SETPRIV === undefined, ...options.start })
  }

  send(message: LauncherMessage): void {
    if (this.#child.connected) this.#child.send(message, () => { /* It died meanwhile: 'exit' tells. */ })
  }

  /** Asks it to drain. */
  terminate(): void {
    this.#child.kill('SIGTERM')
  }

  /** Ends it at once. Not `worker.kill()`, which waits for the victim's event loop. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** How long the end of a channel is waited for after the end of its process, in ms. */
const LAST_MESSAGE_MS = 100

const WORKER_MAIN = fileURLToPath(new URL('../boot/worker.cjs', import.meta.url))

/**
 * A worker that hangs outlives a launcher that was killed, for it notices the
 * closed channel only when its loop runs. So the kernel is asked to kill it.
 * util-linux's setpriv does that before Node even starts, for 1.5 ms; where it is
 * missing, the worker asks for itself through koffi, for 6 ms and 3 MB.
 */
const SETPRIV = process.platform === 'linux' && process.env['REEVE_NO_SETPRIV'] !== '1' ? findSetpriv() : undefined

function findSetpriv(): string | undefined {
  return ['/usr/bin/setpriv', '/bin/setpriv'].find((file) => {
    try {
      accessSync(file, constants.X_OK)
      // BusyBox has a setpriv that knows no --pdeathsig.
      return !path.basename(realpathSync(file)).includes('busybox')
    } catch {
      return false
    }
  })
}

/** @throws what fork throws; the process has never lived */
function forkOrBury(options: ForkOptions): ChildProcess {
  try {
    return fork(options)
  } catch (error) {
    options.hooks.onDeath()
    throw error
  }
}

function fork(options: ForkOptions): ChildProcess {
  const { start, args, imports, cwd, env, fds } = options
  const nodeOptions = [`--title=launcher: ${start.name} worker ${start.workerId}`, ...imports.flatMap((module) => ['--import', module])]
  const node = process.execPath
  cluster.setupPrimary({
    exec: WORKER_MAIN,
    args: [...args],
    execArgv: SETPRIV === undefined ? nodeOptions : ['--pdeathsig', 'KILL', '--', node, ...nodeOptions],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...fds],
    // Always given, undefined too: node:cluster keeps what was set before, by another service.
    cwd,
  })
  // node:cluster always runs process.execPath; it is put back before anything else can look.
  if (SETPRIV !== undefined) process.execPath = SETPRIV
  try {
    return cluster.fork(env).process
  } finally {
    process.execPath = node
  }
}
