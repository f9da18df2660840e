import { EventEmitter, once } from 'node:events'
import net from 'node:net'
import { InheritedSocket } from './inherited-socket.js'
import { TrackedServer } from './tracked-server.js'

/**
 * Every server that this process makes listen, whoever made it. Found by wrapping
 * `net.Server.prototype.listen`, which all of net, tls, http, https and http2 go
 * through: so a program needs no code to be drained, and `listen` learns to take
 * a socket of the launcher.
 */
export class Servers {
  readonly #tracked = new Map<net.Server, TrackedServer>()
  readonly #events = new EventEmitter()
  #restore: (() => void) | undefined

  /** From here on `listen` is watched. Undone by `uninstall`. */
  install(): void {
    const original = net.Server.prototype.listen
    const track = (server: net.Server): void => this.#track(server)
    function listen(this: net.Server, ...args: unknown[]): net.Server {
      track(this)
      const [target] = args
      if (!(target instanceof InheritedSocket)) return Reflect.apply(original, this, args) as net.Server
      const listener = args.find((arg): arg is () => void => typeof arg === 'function')
      if (listener) this.once('listening', listener)
      target.attach(this)
      return this
    }
    net.Server.prototype.listen = listen as typeof original
    this.#restore = () => { net.Server.prototype.listen = original }
  }

  uninstall(): void {
    this.#restore?.()
  }

  /** A server has been told to listen. */
  get any(): boolean {
    return this.#tracked.size > 0
  }

  /** Resolves when a server listens. */
  async listening(): Promise<void> {
    if ([...this.#tracked.keys()].some((server) => server.listening)) return
    await once(this.#events, 'listening')
  }

  /** Stops accepting everywhere and resolves when every connection has ended. */
  async drain(graceMs: number | null): Promise<void> {
    await Promise.all([...this.#tracked.values()].map((server) => server.drain(graceMs)))
  }

  /** Ends what no protocol ends by itself: upgraded connections, and those that say nothing. */
  destroyUpgraded(): void {
    for (const server of this.#tracked.values()) server.destroyUpgraded()
  }

  /** What is still going on, for people: `request GET /slow`, `2 upgraded connections`. */
  unfinished(): string[] {
    return [...this.#tracked.values()].flatMap((server) => server.unfinished())
  }

  #track(server: net.Server): void {
    if (this.#tracked.has(server)) return
    this.#tracked.set(server, new TrackedServer(server))
    server.on('listening', () => this.#events.emit('listening'))
  }
}
