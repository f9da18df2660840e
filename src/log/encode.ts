import { isError, thrown, valueOf } from './fields.js'

/**
 * Any value as JSON on one line. Not `JSON.stringify`, which throws for a bigint,
 * for a ring and for a getter that throws, and makes `{}` of an Error, a Map or a Set.
 *
 * - an Error: name, message, its own fields, stack, cause, errors;
 * - a bigint, NaN and the infinities: as strings; a Date: in ISO form;
 * - a Map: an object, or pairs where keys are no strings; a Set: an array; bytes: how many;
 * - `toJSON()` is called; a function or symbol: its name in brackets;
 * - what contains itself: `[Circular]`; deeper than 8: `[Object]`; past 1,000 members: `…`.
 *
 * Never throws.
 */
export function encodeJson(value: unknown): string {
  try {
    return encode(value, [])
  } catch (error) {
    return JSON.stringify(thrown(error))
  }
}

const MAX_DEPTH = 8
const MAX_MEMBERS = 1_000

function encode(value: unknown, ancestors: readonly object[]): string {
  switch (typeof value) {
    case 'string': return JSON.stringify(value)
    case 'number': return Number.isFinite(value) ? String(value) : `"${value}"`
    case 'boolean': return String(value)
    case 'bigint': return `"${value}"`
    case 'symbol': return JSON.stringify(`[${String(value)}]`)
    case 'function': return JSON.stringify(`[Function: ${value.name}]`)
    case 'undefined': return 'null'
    case 'object': return value === null ? 'null' : encodeObject(value, ancestors)
  }
}

function encodeObject(object: object, ancestors: readonly object[]): string {
  if (ancestors.includes(object)) return '"[Circular]"'
  if (ancestors.length >= MAX_DEPTH) return '"[Object]"'
  try {
    return encodeMembers(object, [...ancestors, object])
  } catch (error) {
    return JSON.stringify(thrown(error))
  }
}

function encodeMembers(object: object, ancestors: readonly object[]): string {
  if (isError(object)) return encodeEntries(errorEntries(object), ancestors)
  if (Array.isArray(object)) return encodeList(object, ancestors)
  if (object instanceof Date) return Number.isNaN(object.getTime()) ? '"Invalid Date"' : `"${object.toISOString()}"`
  if (object instanceof RegExp) return JSON.stringify(String(object))
  if (object instanceof Set) return encodeList([...object], ancestors)
  if (object instanceof Map) return encodeMap(object, ancestors)
  if (ArrayBuffer.isView(object) || object instanceof ArrayBuffer) return `"[${object.constructor.name}: ${object.byteLength} bytes]"`
  if (hasToJson(object)) return encode(object.toJSON(), ancestors)
  return encodeEntries(Object.keys(object).map((name) => [name, valueOf(object, name)]), ancestors)
}

function hasToJson(object: object): object is { toJSON: () => unknown } {
  return 'toJSON' in object && typeof object.toJSON === 'function'
}

function encodeMap(map: ReadonlyMap<unknown, unknown>, ancestors: readonly object[]): string {
  const entries = [...map]
  const named = entries.filter((entry): entry is [string, unknown] => typeof entry[0] === 'string')
  return named.length === entries.length ? encodeEntries(named, ancestors) : encodeList(entries, ancestors)
}

function encodeEntries(entries: readonly (readonly [string, unknown])[], ancestors: readonly object[]): string {
  const members = entries.slice(0, MAX_MEMBERS)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${JSON.stringify(name)}:${encode(value, ancestors)}`)
  if (entries.length > MAX_MEMBERS) members.push(`"…":"${entries.length - MAX_MEMBERS} more"`)
  return `{${members.join(',')}}`
}

function encodeList(list: readonly unknown[], ancestors: readonly object[]): string {
  const members = list.slice(0, MAX_MEMBERS).map((value) => encode(value, ancestors))
  if (list.length > MAX_MEMBERS) members.push(`"… ${list.length - MAX_MEMBERS} more"`)
  return `[${members.join(',')}]`
}

/** `name`, `message`, `stack`, `cause` and `errors` are mostly not enumerable, hence by name. */
function errorEntries(error: Error): readonly (readonly [string, unknown])[] {
  const names = new Set(['name', 'message', ...Object.keys(error), 'stack', 'cause', 'errors'])
  return [...names].map((name) => [name, valueOf(error, name)])
}
