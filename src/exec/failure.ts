import { ExecError, type ExecErrorCode } from './errors.js'
import { maskText } from './mask.js'
import type { ResolvedRun } from './options.js'
import type { ExecResult } from './result.js'
import type { ChildEnd } from './watch-child.js'

/** Of each output, in an error. */
const TAIL_BYTES = 4_096
/** What prlimit(1) exits with when a limit was refused; when there is no such command; when it may not be run. */
const PRLIMIT_SAYS = 'prlimit: '
const PRLIMIT_REFUSED = 1
const NO_SUCH_COMMAND = 127
const NOT_EXECUTABLE = 126

/** What to throw for this end of the command; undefined when it ended as it should. An abort's is the signal's own reason. */
export function failureOf(end: ChildEnd, run: ResolvedRun, result: ExecResult<string | Buffer>): { readonly error: unknown } | undefined {
  const { stopped } = end
  switch (stopped?.name) {
    case 'abort': return { error: stopped.reason }
    case 'timeout': return { error: failure('EXEC_TIMEOUT', { rule: `it must end within ${run.timeoutMs ?? 0} ms` }, run, result) }
    case 'input': return { error: failure('EXEC_INPUT_FAILED', { rule: 'its input must not fail', cause: stopped.error }, run, result) }
    case undefined: return exitFailure(run, result)
  }
}

function exitFailure(run: ResolvedRun, result: ExecResult<string | Buffer>): { readonly error: unknown } | undefined {
  const refused = wrapperFailure(run, result)
  if (refused) return { error: failure(refused.code, refused, run, result) }
  const { exitCode, signal } = result
  const allowed = run.allowedExitCodes
  if (allowed === undefined || (exitCode !== null && allowed.includes(exitCode))) return undefined
  return { error: failure('EXEC_FAILED', { rule: `its exit code must be ${allowed.join(' or ')}: ${exitCode ?? signal ?? 'unknown'}` }, run, result) }
}

/** By exit code and by the name in front of its messages: the rest of them is in the user's language. */
function wrapperFailure(run: ResolvedRun, { stderr, exitCode }: ExecResult<string | Buffer>): { readonly code: ExecErrorCode; readonly rule: string } | undefined {
  if (!run.line.limited || !stderr.slice(0, PRLIMIT_SAYS.length).toString().startsWith(PRLIMIT_SAYS)) return undefined
  switch (exitCode) {
    case PRLIMIT_REFUSED: return { code: 'EXEC_LIMIT_REFUSED', rule: 'the system must grant its limits' }
    case NO_SUCH_COMMAND: return { code: 'EXEC_NOT_FOUND', rule: 'there must be such a command' }
    case NOT_EXECUTABLE: return { code: 'EXEC_NOT_STARTED', rule: 'the system refuses it' }
    default: return undefined
  }
}

function failure(code: ExecErrorCode, { rule, cause }: { readonly rule: string; readonly cause?: unknown }, run: ResolvedRun, result: ExecResult<string | Buffer>): ExecError {
  const { line: { shown: command }, secrets, description } = run
  const { exitCode, signal, durationMs, attempts } = result
  const [stdout, stderr] = [tail(result.stdout, result.truncated.stdout > 0, secrets), tail(result.stderr, result.truncated.stderr > 0, secrets)]
  const message = [
    `Cannot ${description ?? `run "${command}"`} as ${rule}`,
    `Command: ${command}`,
    `Exit code: ${exitCode ?? `none, ended by ${signal ?? 'nothing known'}`}`,
    `Stdout: ${JSON.stringify(stdout)}`,
    `Stderr: ${JSON.stringify(stderr)}`,
  ].join('\n')
  return new ExecError(code, message, { details: { command, exitCode, signal, durationMs, attempts, stdout, stderr }, result, ...(cause !== undefined && { cause }) })
}

/**
 * The end of an output, masked. Where it was cut, a secret may have been cut as
 * well and not be known any more: as much as the longest one is left out there.
 */
function tail(output: string | Buffer, wasCut: boolean, secrets: readonly string[]): string {
  const margin = Math.max(0, ...secrets.map((secret) => secret.length))
  const near = output.slice(-(TAIL_BYTES + margin)).toString()
  const masked = maskText(near, secrets)
  if (!wasCut && near.length === output.length) return masked.slice(-TAIL_BYTES)
  return masked.slice(Math.max(margin, masked.length - TAIL_BYTES))
}
