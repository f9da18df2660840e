import { types } from 'node:util'
import { messageOf } from '../base/errors.js'

/**
 * What a record says beside its message, by name.
 *
 * Any value will do. `undefined` is left out. The names `time`, `level` and
 * `message` are the record's own: a field of such a name is written as `time_`,
 * `level_`, `message_`.
 */
export type LogFields = Readonly<Record<string, unknown>>

/** `__proto__` is here because an assignment to it would change the target's prototype. */
const RESERVED: ReadonlySet<string> = new Set(['time', 'level', 'message', '__proto__'])

/** Adds a copy of `fields` to `target`; an Error becomes the field `error`. Never throws. */
export function addFields(target: Record<string, unknown>, fields: LogFields | Error): void {
  if (isError(fields)) {
    target['error'] = fields
    return
  }
  for (const name of namesOf(fields)) {
    const value = valueOf(fields, name)
    if (value !== undefined) target[RESERVED.has(name) ? `${name}_` : name] = value
  }
}

/** Also true for errors of another realm, such as a `vm` context. Never throws, as `instanceof` may for a Proxy. */
export function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error
  } catch {
    return false
  }
}

/** The value of a property, or what its getter threw, in brackets. Never throws. */
export function valueOf(object: object, name: string): unknown {
  try {
    return (object as Record<string, unknown>)[name]
  } catch (error) {
    return thrown(error)
  }
}

/** What stands in a record for a value that could not be read. Never throws. */
export function thrown(error: unknown): string {
  try {
    return `[Throws: ${messageOf(error)}]`
  } catch {
    return '[Throws]'
  }
}

/** The own enumerable names of anything; none where even asking throws. */
function namesOf(fields: unknown): readonly string[] {
  if (typeof fields !== 'object' || fields === null) return []
  try {
    return Object.keys(fields)
  } catch {
    return []
  }
}
