/**
 * An error that a caller may act on.
 *
 * Match on `code`, never on the class or on the message: an error that crosses
 * a process or a thread loses its class. Messages read
 * *Cannot ⟨act⟩ "⟨thing⟩" as ⟨rule⟩: ⟨current value⟩*.
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code
  /** Facts for a program: plain data that survives JSON. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: Code, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CodedError'
    this.code = code
    this.details = options.details ?? {}
  }
}

export interface CodedErrorOptions {
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** True for a CodedError, of whatever copy of the class. */
export function isCodedError(error: unknown): error is CodedError {
  return error instanceof Error && error.name === 'CodedError'
}

/** True when `error` carries `code`, whatever its class. */
export function hasCode(error: unknown, code: string): boolean {
  return codeOf(error) === code
}

/** The `code` of anything that was thrown; undefined when it has none. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Stack and causes of anything that was thrown, for a log: lines joined by `\n`. */
export function stackOf(error: unknown): string {
  return withCauses(error).map((each) => each instanceof Error ? each.stack ?? `${each.name}: ${each.message}` : String(each)).join('\nCaused by: ')
}

/** Each once, should the causes go in a ring. */
function withCauses(error: unknown): readonly unknown[] {
  const chain = [error]
  for (;;) {
    const last = chain.at(-1)
    const cause = last instanceof Error ? last.cause : undefined
    if (cause === undefined || chain.includes(cause)) return chain
    chain.push(cause)
  }
}
