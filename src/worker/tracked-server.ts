import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import net from 'node:net'

/**
 * One server and its connections, and how they are drained without a word from
 * the service (RFC 9112, section 9.6):
 *
 * - no new connections; the launcher's socket goes on in the other workers
 * - every answer not yet begun says `Connection: close`, and so does the answer
 *   to a request that comes on a connection which was idle
 * - an idle connection gets its grace: the client was told by `Keep-Alive: timeout=`
 *   how long it may use it, and a reset in that time would lose its next request
 * - HTTP/2 sessions get GOAWAY
 * - upgraded connections (WebSocket) and those of plain net servers are left to
 *   the service, and to the deadline
 *
 * `http.Server.close()` cuts idle connections at once (since Node 19), so what
 * closes is `net.Server`'s; a service that calls `close()` itself during the drain
 * gets the same gentle kind.
 */
export class TrackedServer {
  readonly #server: net.Server
  readonly #sockets = new Set<HttpSocket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  /** Of a TLS server: what is below its sockets, or has not shaken hands yet. */
  readonly #raw = new Set<net.Socket>()
  #drained: Promise<void> | undefined

  constructor(server: net.Server) {
    this.#server = server
    server.on(isTls(server) ? 'secureConnection' : 'connection', (socket: HttpSocket) => keepOpen(this.#sockets, socket))
    server.on('session', (session: ServerHttp2Session) => keepOpen(this.#sessions, session))
    if (isTls(server)) server.on('connection', (socket: net.Socket) => keepOpen(this.#raw, socket))
  }

  /** `graceMs` null: as long as the server's own `keepAliveTimeout`. */
  drain(graceMs: number | null): Promise<void> {
    this.#drained ??= this.#drain(graceMs)
    return this.#drained
  }

  destroyUpgraded(): void {
    for (const socket of this.#sockets) if (!isBusy(socket)) socket.destroy()
    this.#cutHandshakes()
  }

  unfinished(): string[] {
    const requests = [...this.#sockets].map((socket) => socket._httpMessage?.req).filter((request) => request !== undefined)
    const others = [...this.#sockets].filter((socket) => !isBusy(socket)).length
    return [
      ...requests.map(({ method, url }) => `request ${method ?? ''} ${url ?? ''}`),
      ...(others > 0 ? [`${others} open connection${others === 1 ? '' : 's'}`] : []),
    ]
  }

  async #drain(graceMs: number | null): Promise<void> {
    const server = this.#server
    // One that the service has closed may have told so already, in the tick before its last connection does.
    const closed = server.listening ? closeOf(server) : Promise.all([...this.#sockets].map(closeOf))
    server.close = (callback) => {
      void closed.then(() => callback?.())
      return server
    }
    if (isHttp(server)) this.#closeGently(server, graceMs ?? (server.keepAliveTimeout || DEFAULT_GRACE_MS))
    for (const session of this.#sessions) session.close()
    setTimeout(() => this.#cutHandshakes(), graceMs ?? DEFAULT_GRACE_MS).unref()
    if (server.listening) net.Server.prototype.close.call(server)
    await closed
  }

  /** Who has not shaken hands has asked nothing, and could go on so for two minutes. */
  #cutHandshakes(): void {
    const secure = new Set([...this.#sockets].map(peerOf))
    for (const socket of this.#raw) if (socket.remotePort !== undefined && !secure.has(peerOf(socket))) socket.destroy()
  }

  #closeGently(server: HttpServer, graceMs: number): void {
    server.closeIdleConnections = () => {}
    for (const event of server.listenerCount('checkContinue') > 0 ? ['request', 'checkContinue'] : ['request']) {
      server.prependListener(event, (_request: IncomingMessage, response: ServerResponse) => response.setHeader('Connection', 'close'))
    }
    for (const socket of this.#sockets) {
      const response = socket._httpMessage
      if (response && !response.headersSent) response.setHeader('Connection', 'close')
      closeWhenIdle(socket, graceMs)
    }
  }
}

/** Node's default `keepAliveTimeout`, where a server has switched it off. */
const DEFAULT_GRACE_MS = 5_000

/** What http adds to its sockets, undocumented but as old as http itself. */
interface HttpSocket extends net.Socket {
  /** The answer that is being written now. */
  _httpMessage?: ServerResponse & { readonly req: IncomingMessage } | null
  /** Null once the connection was upgraded. */
  parser?: unknown
}

/** Destroys `socket` once it has been silent, with no request in work, for the whole of `graceMs`. */
function closeWhenIdle(socket: HttpSocket, graceMs: number): void {
  const { bytesRead } = socket
  const wasBusy = isBusy(socket)
  setTimeout(() => {
    if (socket.destroyed || isUpgraded(socket)) return
    const silent = !wasBusy && !isBusy(socket) && socket.bytesRead === bytesRead
    if (silent) socket.destroy()
    else closeWhenIdle(socket, graceMs)
  }, graceMs).unref()
}

function keepOpen<Connection extends net.Socket | ServerHttp2Session>(open: Set<Connection>, connection: Connection): void {
  open.add(connection)
  connection.once('close', () => open.delete(connection))
}

/** Unlike `once` of node:events, it does not mind an error before. */
function closeOf(emitter: net.Server | net.Socket): Promise<void> {
  return new Promise((resolve) => { emitter.once('close', () => resolve()) })
}

function peerOf({ remoteAddress, remotePort }: net.Socket): string {
  return `${remoteAddress} ${remotePort}`
}

function isBusy(socket: HttpSocket): boolean {
  return socket._httpMessage !== undefined && socket._httpMessage !== null
}

function isUpgraded(socket: HttpSocket): boolean {
  return socket.parser === undefined || socket.parser === null
}

function isHttp(server: net.Server): server is HttpServer {
  return 'closeIdleConnections' in server && typeof server.closeIdleConnections === 'function'
}

function isTls(server: net.Server): boolean {
  return 'setSecureContext' in server
}
