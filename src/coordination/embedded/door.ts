/**
 * The door of an embedded store: what a client asks is looked at here, once, so
 * that the tables can take every request as valid. Wrong ones end as an error that
 * goes back to the client.
 */
import { CodedError, messageOf } from '../../base/errors.js'
import { checkName, MAX_NAME_BYTES } from '../names.js'
import type { AcquireRequest, BeatRequest, ExtendRequest, ReleaseRequest, ResourceKind } from '../store.js'
import { isObject } from '../record.js'

type Fields = Readonly<Record<string, unknown>>

/** @throws CodedError COORDINATION_REFUSED, as all of these */
export function toAcquire(body: unknown, maxTtlMs: number): AcquireRequest {
  const fields = fieldsOf(body)
  const capacity = integer(fields, 'capacity', 1, MAX_CAPACITY)
  return {
    name: resourceName(fields['name']),
    id: requestId(fields['id']),
    weight: integer(fields, 'weight', 1, capacity),
    capacity,
    ttlMs: integer(fields, 'ttlMs', 1, maxTtlMs),
    lockDelayMs: integer(fields, 'lockDelayMs', 0, MAX_TTL_MS),
    waitMs: integer(fields, 'waitMs', 0, MAX_TTL_MS),
    record: record(fields['record']),
  }
}

export function toExtends(body: unknown, maxTtlMs: number): readonly ExtendRequest[] {
  return listOf(body).map((fields) => ({ name: resourceName(fields['name']), id: requestId(fields['id']), ttlMs: integer(fields, 'ttlMs', 0, maxTtlMs) }))
}

export function toRelease(body: unknown): ReleaseRequest {
  const fields = fieldsOf(body)
  return {
    name: resourceName(fields['name']),
    id: requestId(fields['id']),
    unclean: fields['unclean'] === true,
    ...(fields['to'] === undefined ? {} : { to: plainName('member', fields['to']) }),
    onlyTo: fields['onlyTo'] === true,
  }
}

export function toAmend(body: unknown): { readonly name: string; readonly id: string; readonly record: string } {
  const fields = fieldsOf(body)
  return { name: resourceName(fields['name']), id: requestId(fields['id']), record: record(fields['record']) }
}

export function toForceRelease(body: unknown): { readonly name: string; readonly by: string; readonly lockDelayMs: number } {
  const fields = fieldsOf(body)
  return { name: resourceName(fields['name']), by: plainName('member', fields['by']), lockDelayMs: integer(fields, 'lockDelayMs', 0, MAX_TTL_MS) }
}

export function toBeats(body: unknown): readonly BeatRequest[] {
  return listOf(body).map((fields) => ({
    ...toMember(fields),
    ttlMs: integer(fields, 'ttlMs', 1, MAX_BEAT_TTL_MS),
    record: fields['record'] === undefined ? undefined : record(fields['record']),
    keep: fields['keep'] === true,
  }))
}

export function toMember(body: unknown): { readonly group: string; readonly member: string } {
  const fields = fieldsOf(body)
  return { group: plainName('group', fields['group']), member: plainName('member', fields['member']) }
}

export function toMark(body: unknown): { readonly group: string; readonly member: string; readonly mark: string | null } {
  const fields = fieldsOf(body)
  return { ...toMember(fields), mark: fields['mark'] === null ? null : record(fields['mark']) }
}

export function toResourceName(body: unknown): string {
  return resourceName(body)
}

export function toGroupName(body: unknown): string {
  return plainName('group', body)
}

export function toKind(body: unknown): ResourceKind {
  if (body === 'lock' || body === 'leader') return body
  throw refusal(`a kind is "lock" or "leader": ${shown(body)}`)
}

export function toTopic(body: unknown): string {
  return kindName(body, ['group', 'leader'])
}

const MAX_TTL_MS = 3_600_000
/** Services report more rarely than leases are renewed. */
const MAX_BEAT_TTL_MS = 86_400_000
const MAX_CAPACITY = 2 ** 31 - 1
/** A member's name, `#` and what tells its requests apart. */
const MAX_ID_BYTES = MAX_NAME_BYTES + 128
const MAX_RECORD_BYTES = 32_768

function fieldsOf(body: unknown): Fields {
  if (isObject(body)) return body
  throw refusal(`it is an object: ${shown(body)}`)
}

function listOf(body: unknown): readonly Fields[] {
  if (Array.isArray(body)) return body.map(fieldsOf)
  throw refusal(`it is a list: ${shown(body)}`)
}

function integer(fields: Fields, field: string, least: number, most: number): number {
  const value = fields[field]
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw refusal(`${field} is an integer from ${least} to ${most}: ${shown(value)}`)
}

function resourceName(value: unknown): string {
  return kindName(value, ['lock', 'leader'])
}

function kindName(value: unknown, kinds: readonly string[]): string {
  const kind = kinds.find((each) => typeof value === 'string' && value.startsWith(`${each}:`))
  if (kind === undefined || typeof value !== 'string') throw refusal(`the name begins with ${kinds.map((each) => `"${each}:"`).join(' or ')}: ${shown(value)}`)
  plainName(kind, value.slice(kind.length + 1))
  return value
}

function plainName(what: string, value: unknown): string {
  if (typeof value !== 'string') throw refusal(`the name of a ${what} is text: ${shown(value)}`)
  try {
    checkName(what, value)
  } catch (cause) {
    throw new CodedError('COORDINATION_REFUSED', messageOf(cause), { cause })
  }
  return value
}

function requestId(value: unknown): string {
  if (typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= MAX_ID_BYTES) return value
  throw refusal(`an id has 1 to ${MAX_ID_BYTES} bytes: ${shown(value)}`)
}

function record(value: unknown): string {
  if (typeof value === 'string' && value.startsWith('{') && Buffer.byteLength(value) <= MAX_RECORD_BYTES) return value
  throw refusal(`a record is the text of a JSON object of at most ${MAX_RECORD_BYTES} bytes: ${shown(value)}`)
}

function refusal(rule: string): CodedError {
  return new CodedError('COORDINATION_REFUSED', `Cannot take the request as ${rule}`)
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').slice(0, 80)
}
