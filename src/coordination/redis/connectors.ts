/**
 * How sockets are made. ioredis listens for the first error of a socket only; one with
 * TLS that is closed during its handshake may have two, and an error that nobody
 * listens for ends the process.
 */
import net from 'node:net'
import tls from 'node:tls'
import { AbstractConnector, SentinelConnector, type RedisOptions } from 'ioredis'

type Socket = Awaited<ReturnType<AbstractConnector['connect']>>
type EmitError = Parameters<AbstractConnector['connect']>[0]

/** To one server. */
export class ServerConnector extends AbstractConnector {
  readonly #options: RedisOptions

  constructor(options: RedisOptions) {
    super(options.disconnectTimeout ?? 0)
    this.#options = options
  }

  override async connect(): Promise<Socket> {
    const { host = 'localhost', port = 6379, family = 0, tls: secure } = this.#options
    this.connecting = true
    this.stream = secure ? tls.connect({ host, port, family, ...secure } as tls.ConnectionOptions) : net.connect({ host, port, family })
    this.stream.on('error', (error: Error) => { this.firstError ??= error })
    return this.stream
  }
}

/** To the master that the sentinels name. */
export class MasterConnector extends SentinelConnector {
  override async connect(emit: EmitError): Promise<Socket> {
    const socket = await super.connect(emit)
    socket.on('error', (error: Error) => { this.firstError ??= error })
    return socket
  }
}
