import { spawnSync } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import net from 'node:net'
import { CodedError, codeOf, messageOf } from '../base/errors.js'
import { loadNative } from '../base/native.js'
import type { ListenTarget } from '../ipc/listen-target.js'
import { adoptInherited, bindSocket, type BindAddress, type BoundSocket } from '../ipc/listening-handle.js'
import type { ListenUrl } from './listen-url.js'
import { takeActivatedSockets, type ActivatedSocket } from './socket-activation.js'

/** A socket that the launcher holds open for its workers and never accepts from. */
export interface OwnedSocket extends ListenTarget {
  close(): void
}

/**
 * The sockets that systemd passes, then those of the configuration: a name that
 * systemd has given already is not opened again, so that one configuration runs
 * with socket activation and without.
 *
 * @throws CodedError LISTEN_FAILED, SOCKET_ACTIVATION_INVALID; what was opened is closed again
 */
export async function openSockets(urls: readonly ListenUrl[], env: NodeJS.ProcessEnv): Promise<OwnedSocket[]> {
  const sockets = takeActivatedSockets(env, process.pid).map(adoptSocket)
  try {
    for (const url of urls) {
      if (!sockets.some(({ name }) => name === url.name)) sockets.push(await openSocket(url))
    }
    return sockets
  } catch (error) {
    for (const socket of sockets) socket.close()
    throw error
  }
}

function adoptSocket({ name, fd }: ActivatedSocket): OwnedSocket {
  const { host, port, close } = adoptInherited(fd)
  const url = port === undefined ? `unix:fd/${fd}` : `tcp://${host?.includes(':') ? `[${host}]` : host}:${port}`
  return { name, url, fd, close }
}

/** What the kernel cuts it to is `net.core.somaxconn`. */
const BACKLOG = 4_096

/**
 * Binds the socket and makes it listen, before any worker is there: a port in use
 * shows at once, and what comes in waits in the queue until a worker takes it.
 *
 * @throws CodedError LISTEN_FAILED
 */
async function openSocket(url: ListenUrl): Promise<OwnedSocket> {
  try {
    return url.kind === 'tcp' ? await openTcp(url) : await openUnix(url)
  } catch (cause) {
    throw new CodedError('LISTEN_FAILED', `Cannot listen on "${nameOf(url)}" as ${ruleOf(cause)}`, { cause, details: { name: url.name } })
  }
}

async function openTcp(url: Extract<ListenUrl, { kind: 'tcp' }>): Promise<OwnedSocket> {
  const addresses: readonly { address: string; family: number }[] = url.host === ''
    ? [{ address: '::', family: 6 }, { address: '0.0.0.0', family: 4 }]
    : [net.isIP(url.host) === 0 ? await lookup(url.host) : { address: url.host, family: net.isIP(url.host) }]
  for (const { address, family } of addresses) {
    try {
      const bound = listening({ kind: 'tcp', host: address, family: family === 6 ? 6 : 4, port: url.port })
      const host = family === 6 ? `[${address}]` : address
      return { name: url.name, url: `tcp://${host}:${bound.port ?? url.port}`, fd: bound.fd, close: bound.close }
    } catch (error) {
      // A machine without IPv6 still has every IPv4 address.
      if (address !== '::' || codeOf(error) === 'EADDRINUSE') throw error
    }
  }
  throw new Error(`no address of ${url.host}`)
}

async function openUnix(url: Extract<ListenUrl, { kind: 'unix' }>): Promise<OwnedSocket> {
  const address: BindAddress = { kind: 'unix', path: url.path }
  let bound: BoundSocket
  try {
    bound = listening(address)
  } catch (error) {
    // A socket that nobody listens behind is what a killed launcher left; any other file is somebody's.
    if (codeOf(error) !== 'EADDRINUSE' || !lstatSync(url.path).isSocket() || await isAnswering(url.path)) throw error
    unlinkSync(url.path)
    bound = listening(address)
  }
  if (url.mode !== undefined) chmodSync(url.path, url.mode)
  const close = (): void => {
    bound.close()
    try {
      unlinkSync(url.path)
    } catch { /* Somebody has removed it already. */ }
  }
  return { name: url.name, url: `unix:${url.path}`, fd: bound.fd, close }
}

function listening(address: BindAddress): BoundSocket {
  const bound = bindSocket(address)
  try {
    const native = loadNative()
    if (native) native.listen(bound.fd, BACKLOG)
    else listenByChild(bound.fd)
    return bound
  } catch (error) {
    bound.close()
    throw error
  }
}

/**
 * listen(2) where koffi cannot be loaded: a process that inherits the descriptor
 * calls it and ends. The socket goes on listening, for this process holds it too.
 */
function listenByChild(fd: number): void {
  const program = `require('net').createServer().once('error', (e) => { process.stdout.write(e.code); process.exit(1) }).listen({ fd: 3, backlog: ${BACKLOG} }, () => process.exit(0))`
  const { status, stdout, error } = spawnSync(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore', fd], encoding: 'utf8' })
  if (error) throw error
  if (status !== 0) throw Object.assign(new Error(`listen: ${stdout}`), { code: stdout })
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(path)
    probe.once('connect', () => { probe.destroy(); resolve(true) })
    probe.once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED'))
  })
}

function nameOf(url: ListenUrl): string {
  return url.kind === 'tcp' ? `tcp://${url.host.includes(':') ? `[${url.host}]` : url.host}:${url.port}` : `unix:${url.path}`
}

const RULES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'somebody else listens there already: EADDRINUSE',
  EACCES: 'this user may not: EACCES',
  EADDRNOTAVAIL: 'this machine has no such address: EADDRNOTAVAIL',
  ENOTFOUND: 'there is no such host: ENOTFOUND',
  ENOENT: 'there is no such folder: ENOENT',
}

function ruleOf(error: unknown): string {
  return RULES[codeOf(error) ?? ''] ?? `the system refuses: ${messageOf(error)}`
}
