import { chmodSync, lstatSync, rmSync } from 'node:fs'
import net from 'node:net'
import { CodedError, codeOf, messageOf } from '../base/errors.js'
import { IDLE_TIMEOUT_MS, MAX_REQUEST_BYTES, parseRequest, type ControlAnswer, type ControlError, type ControlRequest } from './protocol.js'

/** Answers one request; what it throws becomes the answer's `error`. */
export type ControlHandler = (request: ControlRequest) => Promise<unknown>

export interface ControlServerOptions {
  /** How long a client may take for one whole request, in ms. Default: 5 000. */
  readonly idleTimeoutMs?: number
}

export interface ControlServer {
  readonly path: string
  /** Closes the socket and removes its file. What was answered is delivered first; idle clients are cut. */
  close(): Promise<void>
}

/**
 * Serves a Unix socket with mode 0600: whoever may open it may stop the service.
 * Garbage, oversized requests and slow clients end their own connection and
 * nothing else.
 *
 * A socket file that nobody answers on is what a killed launcher left: replaced.
 * @throws CodedError CONTROL_IN_USE when another process answers there; CONTROL_FAILED
 */
export async function serveControl(path: string, handle: ControlHandler, { idleTimeoutMs = IDLE_TIMEOUT_MS }: ControlServerOptions = {}): Promise<ControlServer> {
  const clients = new Set<net.Socket>()
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client)
    client.once('close', () => clients.delete(client))
    converse(client, handle, idleTimeoutMs)
  })
  await listen(server, path)
  // One client that could not be accepted (EMFILE) must not end the launcher.
  server.on('error', () => {})
  return {
    path,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const client of clients) client.end()
      const cut = setTimeout(() => clients.forEach((client) => client.destroy()), 500)
      await closed
      clearTimeout(cut)
    },
  }
}

/** sun_path of unix(7), less its end mark. A longer path would be cut off in silence. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103

async function listen(server: net.Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new CodedError('CONTROL_FAILED', `Cannot serve the control socket "${path}" as the path of a Unix socket has at most ${MAX_PATH_BYTES} bytes: use --control PATH`)
  }
  try {
    await tryListen(server, path)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || !isSocket(path)) throw cannotServe(path, error)
    if (await isAnswering(path)) {
      throw new CodedError('CONTROL_IN_USE', `Cannot serve the control socket "${path}" as another launcher answers on it: give this one another --name or --control`)
    }
    rmSync(path, { force: true })
    await tryListen(server, path).catch((again: unknown) => { throw cannotServe(path, again) })
  }
}

function tryListen(server: net.Server, path: string): Promise<void> {
  const umask = process.umask(0o177)
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
    process.umask(umask)
  }).then(() => chmodSync(path, 0o600))
}

/** What is there may also be a file that somebody needs. */
function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? true
}

/** False only where nobody listens: a launcher that is too busy to accept, or another user's, is one, too. */
function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(path)
    probe.once('connect', () => { probe.destroy(); resolve(true) })
    probe.once('error', (error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(codeOf(error) ?? '')))
  })
}

function cannotServe(path: string, cause: unknown): CodedError {
  return new CodedError('CONTROL_FAILED', `Cannot serve the control socket "${path}" as the system refuses: ${messageOf(cause)}`, { cause })
}

/**
 * Answers one client. What it asked before it closed its own side is answered
 * all the same; who does not read the answers is not read from either.
 */
function converse(client: net.Socket, handle: ControlHandler, idleTimeoutMs: number): void {
  let pending = 0
  let buffered = ''
  // For a whole request: bytes that drip in do not prolong it.
  const idle = setTimeout(() => { if (pending === 0) client.destroy() }, idleTimeoutMs)
  const endIfDone = (): void => { if (pending === 0 && client.readableEnded) client.end() }
  const ask = async (line: string): Promise<void> => {
    pending++
    const answered = await answer(line, handle)
    pending--
    if (!client.destroyed) idle.refresh()
    if (client.writable && !client.write(`${JSON.stringify(answered)}\n`)) client.pause()
    endIfDone()
  }
  client.setEncoding('utf8')
  client.once('close', () => clearTimeout(idle))
  client.on('error', () => client.destroy())
  client.on('drain', () => client.resume())
  client.on('end', endIfDone)
  client.on('data', (text: string) => {
    const lines = (buffered + text).split('\n')
    buffered = lines.pop() ?? ''
    const oversized = [buffered, ...lines].some((line) => Buffer.byteLength(line) > MAX_REQUEST_BYTES)
    if (oversized) return refuse(client, `a request has at most ${MAX_REQUEST_BYTES} bytes`)
    for (const line of lines) if (line.trim() !== '') void ask(line)
  })
}

async function answer(line: string, handle: ControlHandler): Promise<ControlAnswer> {
  const request = parseRequest(line)
  if ('code' in request) return { id: null, error: request }
  try {
    return { id: request.id, result: (await handle(request)) ?? null }
  } catch (error) {
    return { id: request.id, error: describe(error) }
  }
}

function describe(error: unknown): ControlError {
  const code = codeOf(error) ?? 'CONTROL_FAILED'
  return { code, message: messageOf(error), ...(error instanceof CodedError ? { details: error.details } : {}) }
}

function refuse(client: net.Socket, rule: string): void {
  const answered: ControlAnswer = { id: null, error: { code: 'CONTROL_INVALID_REQUEST', message: `Cannot answer the request as ${rule}` } }
  client.end(`${JSON.stringify(answered)}\n`, () => client.destroy())
}
