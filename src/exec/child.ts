import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import type { Clock } from '../base/clock.js'
import { codeOf, messageOf } from '../base/errors.js'
import type { CommandLine } from './command-line.js'
import { ExecError } from './errors.js'
import { PipeReader } from './pipe-reader.js'
import { inputPipe, outputPipe } from './pipes.js'
import { signalGroup } from './process-group.js'
import type { ExecExit } from './result.js'
import { enter, leave } from './running.js'

export interface ChildOptions {
  readonly line: CommandLine
  readonly cwd: string | undefined
  readonly env: Readonly<NodeJS.ProcessEnv>
  /** Without input it reads /dev/null. */
  readonly hasInput: boolean
  readonly dieWithParent: boolean
  readonly killGraceMs: number
  readonly clock: Clock
}

/** What a system grants a pipe of an ordinary user at most; see pipe(7). */
const PIPE_BYTES = 2 ** 20
const STDERR_PIPE_BYTES = 2 ** 16

/**
 * A process that leads a group of its own, and its pipes.
 *
 * It has ended when the process is gone and its output is read; what it has left
 * behind in its group goes on, as a daemon should, unless it was stopped.
 */
export class Child {
  readonly pid: number
  readonly startedAtMs: number
  readonly stdin: Writable | undefined
  readonly stdout: PipeReader
  readonly stderr: PipeReader
  /** Resolves with the end of the process; its output may not be read yet. Never rejects. */
  readonly exited: Promise<ExecExit>
  /** Resolves when, besides, there is nothing more to read. Never rejects. */
  readonly ended: Promise<ExecExit>
  readonly #options: ChildOptions
  #isGone = false
  #stopping: Promise<void> | undefined

  constructor(process: Started, options: ChildOptions) {
    this.pid = process.pid
    this.startedAtMs = options.clock.now()
    this.stdin = process.stdin
    this.stdout = process.stdout
    this.stderr = process.stderr
    this.#options = options
    this.exited = process.exited.then((exit) => this.#gone(exit))
    this.ended = Promise.all([this.exited, this.stdout.ended, this.stderr.ended]).then(([exit]) => exit)
    enter({ pid: this.pid, command: options.line.shown, startedAt: Date.now(), rootHelper: options.line.rootHelper, diesWithParent: options.dieWithParent })
  }

  /** @throws EXEC_NOT_FOUND, EXEC_NOT_STARTED */
  static async start(options: ChildOptions): Promise<Child> {
    const pipes = openPipes(options.hasInput)
    let process: ChildProcess
    try {
      const { line, cwd, env } = options
      process = spawn(line.file, line.args, { cwd, env, detached: true, stdio: [pipes.stdin?.stdio ?? 'ignore', pipes.stdout.stdio, pipes.stderr.stdio] })
      if (process.pid === undefined) throw (await once(process, 'error') as [unknown])[0]
    } catch (error) {
      for (const pipe of Object.values(pipes)) pipe?.abandon()
      throw await notStarted(error, options)
    }
    return new Child({
      pid: process.pid,
      exited: once(process, 'exit').then(([exitCode, signal]: unknown[]) => ({ exitCode, signal }) as ExecExit),
      stdin: pipes.stdin?.open(process.stdin),
      stdout: new PipeReader(pipes.stdout.open(process.stdout)),
      stderr: new PipeReader(pipes.stderr.open(process.stderr)),
    }, options)
  }

  /** Has not ended, as far as this process has been told. */
  get isAlive(): boolean {
    return !this.#isGone
  }

  /** How long it has been running, in ms. */
  get ageMs(): number {
    return this.#options.clock.now() - this.startedAtMs
  }

  /**
   * SIGTERM to the whole group; SIGKILL to what is left of it when its output has
   * ended, or after `killGraceMs`. Resolves when all is over. Of a process that has
   * ended only the reading is given up.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    // Nobody waits any more for what is not consumed.
    const exited = this.exited.then(() => { for (const reader of [this.stdout, this.stderr]) reader.giveUpIfPaused() })
    if (this.isAlive) {
      this.#signal('SIGTERM')
      await this.#endedWithinGrace()
      this.#signal('SIGKILL')
    }
    await exited
    await this.ended
  }

  async #endedWithinGrace(): Promise<void> {
    const { clock, killGraceMs } = this.#options
    const waited = new AbortController()
    await Promise.race([this.ended, clock.sleep(killGraceMs, waited.signal).catch(() => {})])
    waited.abort()
  }

  #signal(signal: NodeJS.Signals): void {
    signalGroup(this.pid, signal, this.#options.line.rootHelper)
  }

  #gone(exit: ExecExit): ExecExit {
    this.#isGone = true
    leave(this.pid)
    this.stdin?.destroy()
    this.stdout.childEnded()
    this.stderr.childEnded()
    return exit
  }
}

interface Started {
  readonly pid: number
  readonly exited: Promise<ExecExit>
  readonly stdin: Writable | undefined
  readonly stdout: PipeReader
  readonly stderr: PipeReader
}

function openPipes(hasInput: boolean): { readonly stdin: ReturnType<typeof inputPipe> | undefined; readonly stdout: ReturnType<typeof outputPipe>; readonly stderr: ReturnType<typeof outputPipe> } {
  const stdin = hasInput ? inputPipe(PIPE_BYTES) : undefined
  const stdout = outputPipe(PIPE_BYTES)
  return { stdin, stdout, stderr: outputPipe(STDERR_PIPE_BYTES) }
}

/** What Node tells of a missing `cwd` is ENOENT, too, with the name of the command. */
async function notStarted(error: unknown, { line, cwd, env }: ChildOptions): Promise<ExecError> {
  const details = { command: line.shown, file: line.file, errno: codeOf(error) }
  if (details.errno !== 'ENOENT') return new ExecError('EXEC_NOT_STARTED', `Cannot start "${line.shown}" as the system refuses it: ${details.errno ?? messageOf(error)}`, { details, cause: error })
  if (cwd !== undefined && !await isThere(cwd)) return new ExecError('EXEC_NOT_STARTED', `Cannot start "${line.shown}" as its working directory must be there: ${cwd}`, { details: { ...details, cwd }, cause: error })
  const rule = line.file.includes('/') ? `"${line.file}", or the interpreter that its first line names, must be there` : `"${line.file}" must be in a directory of PATH: ${env['PATH'] ?? 'not set'}`
  return new ExecError('EXEC_NOT_FOUND', `Cannot start "${line.shown}" as ${rule}`, { details: { ...details, path: env['PATH'] }, cause: error })
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(() => true, () => false)
}
