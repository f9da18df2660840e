import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { callControl } from '#src/admin/control-client.js'
import type { LauncherStatus } from '#src/admin/status.js'
import { kill, processesWith, until } from './processes.js'

/**
 * The real command, run in a folder of its own, and what it says. Its log is JSON:
 * each line of stderr that is an object is in `events`, a worker's lines included.
 *
 * Whatever a test starts is found by a mark in its environment, which every
 * descendant inherits. At the end of the test it is checked that no process, no
 * listening port and no control socket is left; what is left is killed, and the
 * test fails.
 */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Default: a new empty folder, `folder` of the launcher. */
  readonly cwd?: string
  /** Default: `run`. */
  readonly command?: readonly string[]
  /** Default: this package's own `dist/cli/bin.cjs`. */
  readonly bin?: string
  /** Before the command: `node`'s own options. */
  readonly nodeOptions?: readonly string[]
  /** Runs the command instead of node itself: a program and its first arguments. */
  readonly wrapper?: readonly string[]
  /** Done in its folder before it starts. */
  readonly before?: (folder: string) => void
  /** Descriptors 3, 4, … of the launcher. */
  readonly fds?: readonly number[]
}

/** What follows `launcher run`; a function where it needs the launcher's folder. */
export type Arguments = readonly string[] | ((folder: string) => readonly string[])

/** A line of the log. */
export interface LogLine {
  readonly time: string
  readonly level: string
  readonly message: string
  readonly event?: string
  readonly service?: string
  readonly pid: number
  readonly workerId?: number
  readonly [field: string]: unknown
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
export const BIN = join(ROOT, 'dist/cli/bin.cjs')

/** A socket named http on a free port. */
export const LISTEN = ['--listen', 'http=tcp://127.0.0.1:0'] as const

/** Within this every awaited event must come, even on a machine that is busy with other things. */
const PATIENCE_MS = 30_000

/** How long stderr is read after the launcher has ended, while somebody else still holds it open. */
const LAST_LINES_MS = 1_000

/** The path of a program in test/fixtures. */
export function fixture(name: string): string {
  return join(ROOT, 'test/fixtures', name)
}

/** Starts `launcher run` with a control socket of its own and a log in JSON, and ends it with the test. */
export function startLauncher(t: TestContext, args: Arguments, options: StartOptions = {}): LauncherProcess {
  const launcher = new LauncherProcess(args, options)
  t.after(() => launcher.end())
  return launcher
}

/** The same, with all workers ready. */
export async function startReady(t: TestContext, args: Arguments, options: StartOptions = {}): Promise<LauncherProcess> {
  const launcher = startLauncher(t, args, options)
  await launcher.waitFor('launcher.ready')
  return launcher
}

/** Runs the command `launcher` to its end. */
export async function runCommand(args: readonly string[], options: StartOptions = {}): Promise<CommandResult> {
  const child = spawnCommand(args, { cwd: tmpdir(), ...options })
  const output = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => { output[0] += text })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { output[1] += text })
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  const [code] = await once(child, 'close') as [number | null]
  clearTimeout(timer)
  return { code, stdout: output[0] ?? '', stderr: output[1] ?? '' }
}

export class LauncherProcess {
  readonly pid: number
  /** A folder for whatever the test needs; it goes with the test. */
  readonly folder = mkdtempSync(join(tmpdir(), 'reeve-process-'))
  readonly controlPath = join(this.folder, 'control.sock')
  readonly events: LogLine[] = []
  readonly exit: Promise<Exit>
  stdout = ''
  stderr = ''
  readonly #child: ChildProcess
  readonly #mark = randomUUID()
  readonly #waiters = new Set<() => void>()
  #exited: Exit | undefined

  constructor(args: Arguments, options: StartOptions) {
    options.before?.(this.folder)
    const command = [...(options.command ?? ['run']), '--log-format', 'json', '--control', this.controlPath, ...(typeof args === 'function' ? args(this.folder) : args)]
    const child = spawnCommand(command, { cwd: this.folder, ...options, env: { ...options.env, TEST_MARK: this.#mark } })
    assert.ok(child.pid !== undefined && child.stdout && child.stderr)
    this.#child = child
    this.pid = child.pid
    child.stdout.setEncoding('utf8').on('data', (text: string) => { this.stdout += text })
    const lines = createInterface({ input: child.stderr }).on('line', (line) => this.#take(line))
    const read = once(lines, 'close')
    this.exit = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        void Promise.race([read, sleep(LAST_LINES_MS, undefined, { ref: false })]).then(() => {
          this.#exited = { code, signal }
          resolve(this.#exited)
          this.#wake()
        })
      })
    })
  }

  /** The first line with this `event` that matches, past or to come. Fails when the launcher ends without it. */
  async waitFor(event: string, matches: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    const what = `the event "${event}"`
    return await this.#await(what, () => this.events.find((line) => line.event === event && matches(line)))
  }

  /** The lines with this `event` so far. */
  all(event: string, matches: (line: LogLine) => boolean = () => true): LogLine[] {
    return this.events.filter((line) => line.event === event && matches(line))
  }

  /** Where a socket listens: `http://127.0.0.1:PORT`. */
  async url(socket = 'http'): Promise<string> {
    const { url } = await this.waitFor('launcher.listening', (line) => line['socket'] === socket)
    return String(url).replace(/^tcp:/, 'http:')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** As a terminal or systemd would: to the launcher and all its workers at once. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal)
  }

  async status(): Promise<LauncherStatus> {
    return await callControl(this.controlPath, 'status', {}, { timeoutMs: PATIENCE_MS }) as LauncherStatus
  }

  /** Polls the status until it matches. */
  async untilStatus(what: string, matches: (status: LauncherStatus) => boolean): Promise<LauncherStatus> {
    return await until(what, async () => {
      const status = await this.status()
      return matches(status) && status
    }, PATIENCE_MS)
  }

  /** The pids of the serving workers, by slot. */
  async pids(): Promise<number[]> {
    const { workers } = await this.status()
    return workers.filter(({ state }) => state === 'ready').map(({ pid }) => pid ?? 0)
  }

  /** Runs another command of the launcher against this one: `launcher.command('reload', '--wait')`. */
  async command(name: string, ...args: readonly string[]): Promise<CommandResult> {
    return await runCommand([name, '--control', this.controlPath, ...args], { cwd: this.folder })
  }

  /** The living processes that it has started, and itself. */
  processes(): number[] {
    return processesWith(`TEST_MARK=${this.#mark}`)
  }

  async untilGone(withinMs: number): Promise<void> {
    await until('the end of every process', () => this.processes().length === 0, withinMs)
  }

  /** Ends what is still there, and fails if something was left that should have gone with the launcher. */
  async end(): Promise<void> {
    try {
      if (!this.#exited) await this.#stop()
      await until('the end of every worker', () => this.processes().length === 0, 5_000)
      if (this.#exited?.signal === null) await this.#assertNothingLeft()
    } finally {
      for (const pid of this.processes()) kill(pid, 'SIGKILL')
      rmSync(this.folder, { recursive: true, force: true })
    }
  }

  async #stop(): Promise<void> {
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGQUIT'), 10_000)
    const killer = setTimeout(() => this.signal('SIGKILL'), 20_000)
    await this.exit
    clearTimeout(timer)
    clearTimeout(killer)
  }

  async #assertNothingLeft(): Promise<void> {
    assert.equal(existsSync(this.controlPath), false, 'the control socket was left')
    for (const { url } of this.all('launcher.listening')) {
      assert.equal(await isListening(String(url)), false, `somebody still listens on ${String(url)}`)
    }
  }

  async #await<T>(what: string, probe: () => T | undefined): Promise<T> {
    const end = performance.now() + PATIENCE_MS
    for (;;) {
      const found = probe()
      if (found !== undefined) return found
      const leftMs = end - performance.now()
      if (this.#exited || leftMs <= 0) throw new Error(`${what} did not come; the launcher ${this.#exited ? `ended with ${JSON.stringify(this.#exited)}` : 'runs on'}:\n${this.stderr}`)
      await this.#nextLine(leftMs)
    }
  }

  /** Resolves at the next line, at the end of the launcher, or after `ms`. */
  #nextLine(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiters.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#waiters.add(wake)
    })
  }

  #take(line: string): void {
    this.stderr += `${line}\n`
    try {
      const parsed: unknown = JSON.parse(line)
      if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) this.events.push(parsed as LogLine)
    } catch { /* Not of the log: Node's own words. */ }
    this.#wake()
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake()
  }
}

/** In a session of its own: no terminal, and a process group that can be signalled without the tests. */
function spawnCommand(args: readonly string[], options: StartOptions): ChildProcess {
  const command = [...(options.wrapper ?? []), process.execPath, ...(options.nodeOptions ?? []), options.bin ?? BIN, ...args]
  const [program = '', ...rest] = command
  return spawn(program, rest, {
    cwd: options.cwd,
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', ...(options.fds ?? [])],
    detached: true,
  })
}

const NOT_INHERITED = /^(?:REEVE_.*|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|NODE_TEST_CONTEXT|NOTIFY_SOCKET|WATCHDOG_.*|LISTEN_.*|JOURNAL_STREAM|RUNTIME_DIRECTORY|XDG_RUNTIME_DIR)$/

/** Nothing of the machine it runs on may change what a launcher does. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name)))
}

/** True when a connection to `tcp://HOST:PORT` or `unix:/PATH` is taken. */
export async function isListening(url: string): Promise<boolean> {
  const { hostname, port, pathname, protocol } = new URL(url)
  const client = protocol === 'unix:' ? net.connect(pathname) : net.connect(Number(port), hostname.replace(/^\[|\]$/g, ''))
  return await new Promise((resolve) => {
    client.once('connect', () => { client.destroy(); resolve(true) })
    client.once('error', () => resolve(false))
  })
}
