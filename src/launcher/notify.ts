/**
 * What the launcher tells systemd: sd_notify(3), one datagram of `NAME=value`
 * lines to the AF_UNIX socket that NOTIFY_SOCKET names.
 *
 * Node has no AF_UNIX datagrams, so they are sent by koffi. Where that cannot be
 * loaded, the command `systemd-notify` sends them, one after the other, for
 * `RELOADING=1` must not overtake `READY=1`. It is left to wait until systemd has
 * read the message (no `--no-block`): systemd finds the unit by the sender's pid,
 * which a sender that is gone no longer has. Only that child waits, never the loop.
 * Its messages come from a child of the launcher: the unit needs `NotifyAccess=all`.
 *
 * Guaranteed: messages are sent in the order of the calls. Not guaranteed: that
 * systemd has acted on one when the call returns; the protocol has no answer.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CodedError } from '../base/errors.js'
import { loadNative } from '../base/native.js'

const run = promisify(execFile)

/** What systemd gives to the launcher alone: a worker that inherited it could speak in the launcher's name. */
const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const

/** Longer than the 5 s for which `systemd-notify` waits for systemd. */
const COMMAND_TIMEOUT_MS = 10_000

export class Notifier {
  readonly #socket: string | undefined
  readonly #path: string | undefined
  readonly #onError: (error: unknown) => void
  #failed = false
  /** The end of the queue of commands; settled when there is none. */
  #commands: Promise<void> = Promise.resolve()

  /**
   * Reads NOTIFY_SOCKET and removes it, WATCHDOG_USEC and WATCHDOG_PID from `env`,
   * so that workers do not inherit them. Without NOTIFY_SOCKET every method does nothing.
   *
   * `onError` gets the first failure to send and no other; no method throws.
   * Its `code` is the kernel's (`ECONNREFUSED`, …), or `NOTIFY_FAILED` for a socket
   * of another kind and for a command that failed.
   */
  constructor(env: NodeJS.ProcessEnv, onError: (error: unknown) => void) {
    this.#socket = env['NOTIFY_SOCKET'] === '' ? undefined : env['NOTIFY_SOCKET']
    this.#path = env['PATH']
    this.#onError = onError
    for (const name of VARIABLES) delete env[name]
  }

  /** The service has started, or a reload is over: `systemctl start` returns. */
  ready(): void {
    this.#send('READY=1')
  }

  /** The line that `systemctl status` shows. Line ends become spaces. */
  status(text: string): void {
    this.#send(`STATUS=${oneLine(text)}`)
  }

  /** A reload has begun; `ready()` ends it. Carries the time on CLOCK_MONOTONIC, which `Type=notify-reload` asks for. */
  reloading(): void {
    this.#send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`)
  }

  /** The launcher is stopping. */
  stopping(): void {
    this.#send('STOPPING=1')
  }

  /** Asks that the time limit of what is going on (start, reload or stop) be no earlier than `ms` from now. */
  extendTimeout(ms: number): void {
    this.#send(`EXTEND_TIMEOUT_USEC=${Math.ceil(ms * 1_000)}`)
  }

  /** The main process is another one from now on: after an upgrade of the launcher. */
  mainPid(pid: number): void {
    this.#send(`MAINPID=${pid}`)
  }

  /** Resolves when everything was handed over: before the launcher exits. Never rejects. */
  flush(): Promise<void> {
    return this.#commands
  }

  #send(...lines: string[]): void {
    const socket = this.#socket
    if (socket === undefined) return
    try {
      assertUnix(socket)
      const native = loadNative()
      if (native) native.sendDatagram(socket, lines.join('\n'))
      else this.#sendByCommand(socket, lines)
    } catch (error) {
      this.#fail(error)
    }
  }

  #sendByCommand(socket: string, lines: readonly string[]): void {
    const env = { PATH: this.#path, NOTIFY_SOCKET: socket }
    this.#commands = this.#commands
      .then(async () => { await run('systemd-notify', lines, { env, timeout: COMMAND_TIMEOUT_MS }) })
      .catch((cause: unknown) => {
        this.#fail(new CodedError('NOTIFY_FAILED', `Cannot notify systemd at "${socket}" as the command failed: systemd-notify ${lines.join(' ')}`, { cause }))
      })
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#onError(error)
  }
}

/** @throws `NOTIFY_FAILED` unless `socket` is a path or an abstract name. */
function assertUnix(socket: string): void {
  if (socket.startsWith('/') || socket.startsWith('@')) return
  throw new CodedError('NOTIFY_FAILED', `Cannot notify systemd as NOTIFY_SOCKET must begin with "/" or "@": "${socket}"`, { details: { socket } })
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').trim()
}
