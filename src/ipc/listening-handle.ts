import net from 'node:net'
import { getSystemErrorName } from 'node:util'

/**
 * The only place that touches what Node does not document, for sockets that one
 * process binds and others accept from. Needed because in a cluster worker
 * `listen({ fd })` means the *launcher's* descriptor, and because a server that
 * listens in the launcher would take connections there.
 *
 * `net._createServerHandle`, `server._handle` and `server._listen2` are what
 * node:cluster itself uses; tested on Node 20, 22 and 24.
 */
interface ServerHandle {
  readonly fd: number
  getsockname(out: object): number
  close(): void
}

interface NetInternals {
  _createServerHandle(address: string | undefined, port: number | undefined, family: number | undefined, fd: number | undefined, flags?: number): ServerHandle | number
}

interface ServerInternals {
  _handle: ServerHandle
  _pipeName?: string
  _listen2(address: null, port: -1, family: -1, backlog: number, fd: -1): void
}

/** A socket that is bound and does not listen yet. The handle must be kept: its descriptor closes with it. */
export interface BoundSocket {
  readonly fd: number
  /** The real port, where 0 was asked for; undefined for a Unix socket. */
  readonly port: number | undefined
  close(): void
}

export type BindAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly family: 4 | 6; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** @throws an error with the system's `code` (`EADDRINUSE`, `EACCES`, …). */
export function bindSocket(address: BindAddress): BoundSocket {
  const { _createServerHandle: create } = net as unknown as NetInternals
  const handle = address.kind === 'tcp'
    ? create(address.host, address.port, address.family, undefined, 0)
    : create(address.path, -1, -1, undefined, 0)
  if (typeof handle === 'number') throw systemError(handle, 'bind')
  const name: { port?: number } = {}
  // libuv keeps EADDRINUSE back at bind; asking for the name brings it out.
  const status = address.kind === 'tcp' ? handle.getsockname(name) : 0
  if (status < 0) {
    handle.close()
    throw systemError(status, 'bind')
  }
  return { fd: handle.fd, port: name.port, close: () => handle.close() }
}

/** A socket that another process made and passed on by its descriptor; it listens already. */
export function adoptInherited(fd: number): BoundSocket & { readonly host: string | undefined } {
  const { _createServerHandle: create } = net as unknown as NetInternals
  const handle = create(undefined, undefined, undefined, fd)
  if (typeof handle === 'number') throw systemError(handle, 'open')
  const name: { address?: string; port?: number } = {}
  if ('getsockname' in handle) handle.getsockname(name)
  return { fd, host: name.address, port: name.port, close: () => handle.close() }
}

/** Makes `server` accept from an inherited socket that listens already. */
export function listenOnInherited(server: net.Server, socket: { fd: number; path?: string }, backlog: number): void {
  const { _createServerHandle: create } = net as unknown as NetInternals
  const handle = create(undefined, undefined, undefined, socket.fd)
  if (typeof handle === 'number') throw systemError(handle, 'open')
  const internals = server as unknown as ServerInternals
  internals._handle = handle
  if (socket.path !== undefined) internals._pipeName = socket.path
  internals._listen2(null, -1, -1, backlog, -1)
}

function systemError(errno: number, syscall: string): Error {
  const code = getSystemErrorName(errno)
  return Object.assign(new Error(`${syscall}: ${code}`), { code, errno, syscall })
}
