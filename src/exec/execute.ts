import { hasCode, messageOf } from '../base/errors.js'
import { PassingSink, type ByteSink } from './byte-sink.js'
import { Child } from './child.js'
import { failureOf } from './failure.js'
import { KeptOutput } from './kept-output.js'
import { resolveExecute, type ExecuteOptions, type OutputMode, type ResolvedExecute } from './options.js'
import type { PipeReader } from './pipe-reader.js'
import type { ExecResult } from './result.js'
import { tellEnd, tellStart, watchChild } from './watch-child.js'

/**
 * Runs a command to its end, and keeps what it writes.
 *
 * It leads a process group of its own: at the deadline and at the signal the whole
 * group gets SIGTERM, then SIGKILL. The end is that of the command: a process that
 * it left in the background goes on, and is not waited for, even if it holds the
 * output open (0.1 s of silence are waited for). Input and outputs move together,
 * whatever their sizes; a command that does not read its input is no failure.
 *
 * ```ts
 * const { stdout } = await execute('rbd', ['info', image, '--format', 'json'], { timeoutMs: 10_000 })
 * ```
 *
 * @throws TypeError, RangeError for what cannot be run; EXEC_NOT_FOUND, EXEC_NOT_STARTED, EXEC_FAILED, EXEC_TIMEOUT,
 *   EXEC_INPUT_FAILED, EXEC_LIMIT_REFUSED, EXEC_ROOT_HELPER_MISSING; the reason of `signal`
 */
export async function execute(command: string, args: readonly string[], options: ExecuteOptions & { readonly encoding: 'buffer' }): Promise<ExecResult<Buffer>>
export async function execute(command: string, args?: readonly string[], options?: ExecuteOptions<'utf8'>): Promise<ExecResult<string>>
export async function execute(command: string, args: readonly string[] = [], options: ExecuteOptions = {}): Promise<ExecResult<string | Buffer>> {
  const run = resolveExecute(command, args, options)
  for (let attempt = 1; ; attempt++) {
    try {
      run.signal?.throwIfAborted()
      return await runOnce(run, attempt)
    } catch (error) {
      const isLast = attempt >= run.attempts || !hasCode(error, 'EXEC_FAILED')
      logFailure(run, error, isLast)
      if (isLast) throw error
      if (run.delayOnRetry) await run.clock.sleep(retryDelayMs(run), run.signal)
    }
  }
}

const RETRY_DELAY_MS = [200, 2_000] as const

/** By chance, so that many that failed together do not come back together. */
function retryDelayMs({ random }: ResolvedExecute): number {
  const [least, most] = RETRY_DELAY_MS
  return least + random() * (most - least)
}

async function runOnce(run: ResolvedExecute, attempt: number): Promise<ExecResult<string | Buffer>> {
  const child = await Child.start({ ...run, cwd: run.cwd, hasInput: run.processInput !== undefined })
  await tellStart(child, run)
  const stdout = new Output(child.stdout, run.stdout, run)
  const stderr = new Output(child.stderr, run.stderr, run)
  const end = await watchChild(child, run)
  const result: ExecResult<string | Buffer> = {
    ...end.exit,
    stdout: stdout.contents(),
    stderr: stderr.contents(),
    bytes: { stdout: child.stdout.bytes, stderr: child.stderr.bytes },
    truncated: { stdout: stdout.droppedBytes, stderr: stderr.droppedBytes },
    reads: child.stdout.reads,
    durationMs: child.ageMs,
    attempts: attempt,
  }
  tellEnd(child, run, end.exit)
  const failure = failureOf(end, run, result)
  if (failure) throw failure.error
  return result
}

/** One output of one attempt, as the options want it. */
class Output {
  readonly #kept: KeptOutput | undefined
  readonly #encoding: 'utf8' | 'buffer'

  constructor(reader: PipeReader, mode: OutputMode, { maxOutputBytes, readBytes, encoding }: ResolvedExecute) {
    this.#encoding = encoding
    this.#kept = mode === 'keep' ? new KeptOutput(maxOutputBytes, readBytes) : undefined
    const sink: ByteSink = this.#kept ?? new PassingSink(readBytes, typeof mode === 'function' ? mode : () => {})
    reader.start(sink)
  }

  get droppedBytes(): number {
    return this.#kept?.droppedBytes ?? 0
  }

  contents(): string | Buffer {
    const bytes = this.#kept?.bytes() ?? Buffer.alloc(0)
    return this.#encoding === 'buffer' ? bytes : bytes.toString('utf8')
  }
}

function logFailure({ log, logErrors, line }: ResolvedExecute, error: unknown, isLast: boolean): void {
  if (!log || logErrors === undefined || (logErrors === 'final' && !isLast)) return
  log.error(messageOf(error), { event: 'exec.failed', command: line.shown, retried: !isLast })
}
