import { messageOf } from '../base/errors.js'
import type { CallRequest } from './call.js'
import { ThreadPoolError } from './errors.js'
import { findUncloneable } from './uncloneable.js'

/** Why a call could not be sent to its thread: which argument, and what in it. */
export function refusedArguments({ args, statistics }: CallRequest, cause: unknown): ThreadPoolError {
  const index = args.findIndex((arg) => !isSendable(arg))
  // Each could be copied: it is what was to be moved.
  if (index < 0) return refusal(statistics.label, { argument: 0, path: 'transfer', type: messageOf(cause) }, cause)
  return refusedArgument(statistics.label, index, args[index], cause)
}

/** Argument number `index`, from 0, of the function `label`. */
export function refusedArgument(label: string, index: number, value: unknown, cause?: unknown): ThreadPoolError {
  return refusal(label, { argument: index + 1, ...findUncloneable(value) }, cause)
}

interface Blame {
  readonly argument: number
  readonly path: string
  readonly type: string
}

function refusal(label: string, blame: Blame, cause: unknown): ThreadPoolError {
  const { argument, path, type } = blame
  const what = argument === 0 ? 'what is to be moved' : `argument ${argument}${path && ` (${path})`}`
  return new ThreadPoolError('ARGUMENT_UNCLONEABLE', `Cannot call "${label}" in a thread as ${what} must be able to go there: ${type}`, {
    details: { ...blame }, ...cause !== undefined && { cause },
  })
}

function isSendable(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}
