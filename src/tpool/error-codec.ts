import { CodedError } from '../base/errors.js'
import { findUncloneable } from './uncloneable.js'

/**
 * An error as plain data, for `structuredClone` keeps neither its `code` nor any
 * other property of its own. What was thrown and is no error is `{ thrown }`.
 */
export type EncodedError = { readonly thrown: unknown } | EncodedErrorObject

interface EncodedErrorObject {
  readonly name: string
  readonly message: string
  readonly stack: string
  /** Own properties: `code`, `details`, `errno`, `path` …; what cannot be copied is told as text. */
  readonly facts: Readonly<Record<string, unknown>>
  readonly cause?: EncodedError
  readonly errors?: readonly EncodedError[]
}

const TOLD_APART: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'errors'])

/** The longest chain of causes that is kept: only a ring is longer. */
const MAX_DEPTH = 20

export function encodeError(error: unknown, depth = 0): EncodedError {
  if (!(error instanceof Error)) return { thrown: cloneOrText(error) }
  const { name, message, stack = `${name}: ${message}` } = error
  const facts = Object.entries(error).filter(([key]) => !TOLD_APART.has(key)).map(([key, value]) => [key, cloneOrText(value)])
  return {
    name, message, stack, facts: Object.fromEntries(facts) as Record<string, unknown>,
    ...depth < MAX_DEPTH && error.cause !== undefined && { cause: encodeError(error.cause, depth + 1) },
    ...depth < MAX_DEPTH && error instanceof AggregateError && { errors: error.errors.map((each) => encodeError(each, depth + 1)) },
  }
}

/** The error again, of the same built-in class or a `CodedError`, else an `Error` with the name. */
export function decodeError(encoded: EncodedError): unknown {
  if ('thrown' in encoded) return encoded.thrown
  const { name, message, stack, facts, cause, errors } = encoded
  const error = emptyError(encoded)
  define(error, { name, message, stack })
  if (cause) define(error, { cause: decodeError(cause) })
  if (errors) define(error, { errors: errors.map(decodeError) })
  return Object.assign(error, facts)
}

const BUILT_IN: Readonly<Record<string, new (message: string) => Error>> = { RangeError, ReferenceError, SyntaxError, TypeError, URIError, EvalError }

function emptyError({ name, message, facts, errors }: EncodedErrorObject): Error {
  if (errors) return new AggregateError([], message)
  if (name === 'CodedError') return new CodedError(String(facts['code']), message)
  const BuiltIn = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined
  return BuiltIn ? new BuiltIn(message) : new Error(message)
}

/** Not enumerable, as those of an error are. */
function define(error: Error, properties: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(properties)) {
    if (error[key as keyof Error] !== value) Object.defineProperty(error, key, { value, writable: true, configurable: true })
  }
}

function cloneOrText(value: unknown): unknown {
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') return value
  try {
    return structuredClone(value)
  } catch {
    return `(${findUncloneable(value).type})`
  }
}
