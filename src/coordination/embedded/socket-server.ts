/**
 * Serves an embedded store on a Unix socket, and sees to it that there is one server.
 *
 * The socket is bound under a name of its own beside the path, and gets the path in
 * one step: by link(2), which fails when there is a file, or, in place of the file of
 * a dead server, by rename(2). So a file is there at every moment between the death of
 * one server and the next, and nobody takes the place of a dead server without
 * knowing that there was one, whose leases still count: its successor grants nothing
 * for `maxTtlMs`. Two that replace the same dead file at the same moment both succeed;
 * the first sees, long before it may grant anything, that the path leads elsewhere,
 * and gives way. A lock file was rejected: it outlives its owner as a socket does, and
 * has no end that can be asked.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, renameSync, rmSync } from 'node:fs'
import net from 'node:net'
import { CodedError, codeOf, messageOf } from '../../base/errors.js'
import { serveChannel } from './channel-server.js'
import type { EmbeddedStore } from './embedded-store.js'
import { LineChannel } from './line-channel.js'
import type { FarewellEvent } from './protocol.js'
import { socketIdentity } from './socket-path.js'

/** Of a line from a client. */
export const MAX_REQUEST_BYTES = 65_536

export interface SocketServerOptions {
  readonly store: EmbeddedStore
  /** `socketIdentity()` of the dead server's file to take the place of; undefined: there must be no file. */
  readonly replaces: string | undefined
  /** The path leads elsewhere: the server is closing. */
  readonly onDeposed: () => void
}

/** Undefined: somebody else was faster. @throws CodedError COORDINATION_UNAVAILABLE */
export async function serveSocket(path: string, options: SocketServerOptions): Promise<SocketServer | undefined> {
  const ownPath = `${path}.${randomBytes(3).toString('hex')}`
  const server = new SocketServer(path, options)
  try {
    await server.listen(ownPath)
    if (publish(ownPath, path, options.replaces)) {
      server.watch()
      return server
    }
  } catch (cause) {
    await server.close()
    throw new CodedError('COORDINATION_UNAVAILABLE', `Cannot serve a coordination store at "${path}" as the system refuses: ${messageOf(cause)}`, { cause })
  } finally {
    rmSync(ownPath, { force: true })
  }
  await server.close()
  return undefined
}

function publish(ownPath: string, path: string, replaces: string | undefined): boolean {
  if (replaces !== undefined) {
    if (socketIdentity(path) !== replaces) return false
    renameSync(ownPath, path)
    return true
  }
  try {
    linkSync(ownPath, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** How often the server looks whether the path still leads to it, in ms: less than the shortest quarantine. */
const WATCH_MS = 100

export class SocketServer {
  readonly #path: string
  readonly #options: SocketServerOptions
  readonly #server: net.Server
  readonly #clients = new Map<net.Socket, LineChannel>()
  #identity: string | undefined
  #watch: NodeJS.Timeout | undefined
  #closed: Promise<void> | undefined

  constructor(path: string, options: SocketServerOptions) {
    this.#path = path
    this.#options = options
    this.#server = net.createServer((socket) => this.#accept(socket))
  }

  get store(): EmbeddedStore {
    return this.#options.store
  }

  /** With mode 0600 from the first moment: whoever may open it may take every lock. */
  async listen(path: string): Promise<void> {
    const umask = process.umask(0o177)
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ path, exclusive: true }, () => {
        this.#server.off('error', reject)
        resolve()
      })
      process.umask(umask)
    })
    chmodSync(path, 0o600)
    this.#identity = socketIdentity(path)
    // One client that could not be accepted (EMFILE) must not end the process.
    this.#server.on('error', () => {})
  }

  /** Gives way as soon as the path leads elsewhere, or nowhere. */
  watch(): void {
    this.#watch = setInterval(() => {
      if (this.isAtPath) return
      clearInterval(this.#watch)
      this.#options.onDeposed()
    }, WATCH_MS)
    this.#watch.unref()
  }

  get isAtPath(): boolean {
    return this.#identity !== undefined && socketIdentity(this.#path) === this.#identity
  }

  /**
   * Ends the store and cuts its clients off. The file is removed, unless a lease that
   * was given here or by a server before may still count: then it stays, as a dead
   * server's does, and whoever serves next waits until that lease has ended.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    clearInterval(this.#watch)
    const leavesNothing = this.store.requests === 0 && this.store.quarantinedMs === 0
    if (leavesNothing && this.isAtPath) rmSync(this.#path, { force: true })
    for (const channel of this.#clients.values()) {
      if (leavesNothing) channel.send({ farewell: true } satisfies FarewellEvent)
      channel.close()
    }
    await this.store.close()
    const cut = setTimeout(() => { for (const socket of this.#clients.keys()) socket.destroy() }, CUT_MS)
    await new Promise((resolve) => this.#server.close(resolve))
    clearTimeout(cut)
  }

  #accept(socket: net.Socket): void {
    const channel = new LineChannel(socket, { maxLineBytes: MAX_REQUEST_BYTES })
    this.#clients.set(socket, channel)
    socket.once('close', () => this.#clients.delete(socket))
    serveChannel(this.store, channel, 'client of the socket')
  }
}

/** How long a client may take to read the last words. */
const CUT_MS = 500
