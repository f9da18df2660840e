/**
 * Sockets that systemd made and passes on: sd_listen_fds(3). They are bound and
 * listening before the launcher starts, and stay so while it restarts, so that
 * connections wait in their queue and none is refused.
 *
 * Node marks what it inherits as close-on-exec when it starts: no child gets
 * these descriptors by accident.
 */
import { CodedError } from '../base/errors.js'

/** A listening socket that systemd passed. */
export interface ActivatedSocket {
  /** `FileDescriptorName=` of the socket unit; `http`, `http2`, … for a socket without one. Unique. */
  readonly name: string
  readonly fd: number
}

const VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'] as const
const FIRST_FD = 3
/** More is a mistake: the kernel's own default limit of open files. */
const MAX_SOCKETS = 1_024
const DEFAULT_NAME = 'http'

/**
 * The sockets that `env` passes to the process `pid`, in systemd's order, and
 * removes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES from `env`: they are this
 * process's, and no child's. None when the variables are for another process.
 *
 * @throws `SOCKET_ACTIVATION_INVALID` when the variables contradict sd_listen_fds(3),
 *   or the socket unit has `Accept=yes`, which passes one connection and no listener.
 */
export function takeActivatedSockets(env: NodeJS.ProcessEnv, pid: number): readonly ActivatedSocket[] {
  const [listenPid, listenFds, fdNames] = VARIABLES.map((name) => env[name])
  for (const name of VARIABLES) delete env[name]
  if (listenPid === undefined || listenFds === undefined) return []
  if (wholeNumber('LISTEN_PID', listenPid, Number.MAX_SAFE_INTEGER) !== pid) return []
  const count = wholeNumber('LISTEN_FDS', listenFds, MAX_SOCKETS)
  return uniqueNames(givenNames(fdNames, count)).map((name, index) => ({ name, fd: FIRST_FD + index }))
}

function wholeNumber(variable: string, text: string, max: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : NaN
  if (value <= max) return value
  throw invalid(`${variable} must be a whole number from 0 to ${max}`, text)
}

/** One entry a socket; undefined where the unit names none. */
function givenNames(fdNames: string | undefined, count: number): readonly (string | undefined)[] {
  if (fdNames === undefined || count === 0) return Array.from({ length: count }, () => undefined)
  const names = fdNames.split(':')
  if (names.length !== count) throw invalid(`LISTEN_FDNAMES must hold as many names as LISTEN_FDS says, ${count}`, fdNames)
  if (names.includes('connection')) throw invalid('its socket unit must not have Accept=yes', fdNames)
  return names.map((name) => (isPlaceholder(name) ? undefined : name))
}

/** What systemd puts where a unit has no `FileDescriptorName=`. */
function isPlaceholder(name: string): boolean {
  return name === '' || name === 'unknown' || name.endsWith('.socket')
}

/**
 * The first socket of a name keeps it; the next become name2, name3, …: a unit
 * with two `ListenStream=` gives both the same name. Given names go before made-up ones.
 */
function uniqueNames(given: readonly (string | undefined)[]): readonly string[] {
  const taken = new Set<string>()
  const kept = given.map((name) => {
    if (name === undefined || taken.has(name)) return undefined
    taken.add(name)
    return name
  })
  return kept.map((name, index) => name ?? takeFree(given[index] ?? DEFAULT_NAME, taken))
}

function takeFree(base: string, taken: Set<string>): string {
  let name = base
  for (let number = 2; taken.has(name); number++) name = `${base}${number}`
  taken.add(name)
  return name
}

function invalid(rule: string, value: string): CodedError {
  return new CodedError('SOCKET_ACTIVATION_INVALID', `Cannot take the sockets of systemd as ${rule}: "${value}"`, { details: { value } })
}
