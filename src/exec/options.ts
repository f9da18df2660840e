import { constants } from 'node:buffer'
import type { Clock } from '../base/clock.js'
import { systemClock } from '../base/clock.js'
import { systemRandom, type Random } from '../base/random.js'
import type { Logger } from '../log/logger.js'
import { commandLine, type CommandLine, type CommandOptions } from './command-line.js'
import { isText, type ProcessInput } from './input.js'

/** What `execute()` and `stream()` both take. */
export interface CommandRunOptions extends CommandOptions {
  /** What exit codes are no failure; false: any, and any signal. Default 0. */
  readonly checkExitCode?: number | readonly number[] | false
  /** From its start, in ms; then its process group is killed. Default: none. */
  readonly timeoutMs?: number
  /** From SIGTERM to SIGKILL, in ms. Default 5 000. */
  readonly killGraceMs?: number
  /** What it reads. Default: nothing (/dev/null). */
  readonly processInput?: ProcessInput
  /** Default: that of this process. */
  readonly cwd?: string
  /** All of its environment. Default: that of this process. */
  readonly env?: Readonly<NodeJS.ProcessEnv>
  /**
   * Runs `command` as a script of /bin/sh, or of the shell of this path; the
   * arguments are its `$1`, `$2`, …, and need no quotes. Default false.
   */
  readonly shell?: boolean | string
  /** The most that one read brings, in bytes; 1 KiB to 1 GiB. On a plain pipe Node reads up to 64 KiB whatever this is. Default 256 KiB: more no longer fits the cache, and 1 MiB costs a fifth of the speed. */
  readonly readBytes?: number
  /** Stops the command as `timeoutMs` does; what is rejected is its reason. */
  readonly signal?: AbortSignal
  /** Kills its process group when this process dies, of whatever. Default true. */
  readonly dieWithParent?: boolean
  /** Texts that are `***` in logs and errors, besides what looks like a secret. */
  readonly secrets?: readonly string[]
  /** Limits by util-linux' prlimit(1). Default: none. */
  readonly prlimit?: CommandOptions['prlimit'] & object
  /** Through `rootHelper`, unless this process is root's. Default false. */
  readonly runAsRoot?: boolean
  /** Such as `sudo -n`; split into words as by a shell. */
  readonly rootHelper?: string
  /** For messages: what was being done. Default: the command. */
  readonly description?: string
  /** Starts and ends, at level debug. Default: none. */
  readonly log?: Logger
  /** Default: the monotonic clock of the system. */
  readonly clock?: Clock
  /** Called when it has been started. */
  readonly onSpawn?: (pid: number) => void
  /** Called when it has ended, well or not. */
  readonly onExit?: (exit: { readonly pid: number; readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }) => void
}

/** `keep`: in the result. `count`: only how many bytes came. A function: gets each chunk, which is valid during the call only. */
export type OutputMode = 'keep' | 'count' | ((chunk: Buffer) => void)

export interface ExecuteOptions<Encoding extends 'utf8' | 'buffer' = 'utf8' | 'buffer'> extends CommandRunOptions {
  /** How often it is tried, at least 1. Tried again is what failed by its exit code, not what ran out of time. Default 1. */
  readonly attempts?: number
  /** Waits 0.2 to 2 s, by chance, before it is tried again. Default true. */
  readonly delayOnRetry?: boolean
  /** Of stdout and stderr. Bytes that are not UTF-8 become U+FFFD. Default utf8. */
  readonly encoding?: Encoding
  /** Of each output, in bytes; of more, the tail is kept, and `truncated` says so. Default 256 MiB. */
  readonly maxOutputBytes?: number
  /** Default `keep`. */
  readonly stdout?: OutputMode
  /** Default `keep`. */
  readonly stderr?: OutputMode
  /** Failures that are logged, at level error: of every attempt, or of the last. Default: none, as the error tells all. */
  readonly logErrors?: 'all' | 'final'
  /** Default: that of the system. */
  readonly random?: Random
}

type Filled = 'killGraceMs' | 'readBytes' | 'dieWithParent' | 'secrets' | 'clock' | 'env'

/** All of it checked, at the door. */
export interface ResolvedRun extends Omit<CommandRunOptions, Filled | 'checkExitCode'>, Required<Pick<CommandRunOptions, Filled>> {
  readonly line: CommandLine
  /** Undefined: any. */
  readonly allowedExitCodes: readonly number[] | undefined
}

export interface ResolvedExecute extends ResolvedRun, Required<Pick<ExecuteOptions, 'attempts' | 'delayOnRetry' | 'encoding' | 'maxOutputBytes' | 'stdout' | 'stderr' | 'random'>> {
  readonly logErrors: 'all' | 'final' | undefined
}

const KILL_GRACE_MS = 5_000
const READ_BYTES = 2 ** 18
const READ_BOUNDS = [2 ** 10, 2 ** 30] as const
/** Its text is never longer than a string may be. */
const MAX_OUTPUT_BYTES = 2 ** 28

/** @throws TypeError, RangeError, EXEC_ROOT_HELPER_MISSING */
export function resolveRun(command: string, args: readonly string[], options: CommandRunOptions): ResolvedRun {
  const line = commandLine(command, args, options, process.geteuid?.() === 0)
  const { checkExitCode = 0, killGraceMs = KILL_GRACE_MS, readBytes = READ_BYTES, dieWithParent = true, secrets = [], clock = systemClock, env = process.env } = options
  if (options.timeoutMs !== undefined) within(line, 'timeoutMs', options.timeoutMs, [0, Infinity])
  within(line, 'killGraceMs', killGraceMs, [0, Infinity])
  whole(line, 'readBytes', readBytes, READ_BOUNDS)
  const codes = typeof checkExitCode === 'number' ? [checkExitCode] : checkExitCode === false ? undefined : checkExitCode
  return { ...options, line, allowedExitCodes: codes, killGraceMs, readBytes, dieWithParent, secrets, clock, env }
}

/** @throws TypeError, RangeError, EXEC_ROOT_HELPER_MISSING */
export function resolveExecute(command: string, args: readonly string[], options: ExecuteOptions): ResolvedExecute {
  const run = resolveRun(command, args, options)
  const { attempts = 1, delayOnRetry = true, encoding = 'utf8', maxOutputBytes = MAX_OUTPUT_BYTES, stdout = 'keep', stderr = 'keep', logErrors, random = systemRandom } = options
  whole(run.line, 'attempts', attempts, [1, Number.MAX_SAFE_INTEGER])
  whole(run.line, 'maxOutputBytes', maxOutputBytes, [1, encoding === 'utf8' ? constants.MAX_STRING_LENGTH : constants.MAX_LENGTH])
  if (attempts > 1 && options.processInput !== undefined && !isText(options.processInput)) {
    throw new TypeError(`Cannot run "${run.line.shown}" as input that can be read once only allows one attempt: ${attempts}`)
  }
  return { ...run, attempts, delayOnRetry, encoding, maxOutputBytes, stdout, stderr, logErrors, random }
}

function within({ shown }: CommandLine, name: string, value: number, [least, most]: readonly [number, number]): void {
  if (value >= least && value <= most) return
  throw new RangeError(`Cannot run "${shown}" as ${name} must be from ${least} to ${most}: ${String(value)}`)
}

function whole(line: CommandLine, name: string, value: number, bounds: readonly [number, number]): void {
  within(line, name, value, bounds)
  if (!Number.isInteger(value)) throw new RangeError(`Cannot run "${line.shown}" as ${name} must be a whole number: ${value}`)
}
