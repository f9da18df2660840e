import type { GroupSnapshot, StoredMember } from '../store.js'
import { groupKeys } from './keys.js'
import { parseRecord } from '../record.js'
import type { RedisPort } from './port.js'

type JsonObject = Readonly<Record<string, unknown>>

/** A record as it was read last. */
interface KnownRecord {
  readonly text: string
  readonly record: JsonObject
}

/** What the server answers: the version, then field and value of each record and of each mark. */
export type GroupReply = readonly [version: string | null, records: readonly string[], marks: readonly string[]]

/**
 * Reads whole groups, of a thousand members in little more than the time in which their
 * bytes arrive: plain commands in one round trip, for a list that passes through Lua costs
 * the server thrice as much; no list of scores, for a record begins with the end of its
 * ttl; and no record is parsed again that is as it was the last time.
 *
 * The version is read first. Members may be newer than it, never older.
 */
export class GroupReader {
  readonly #port: RedisPort
  /** Of each group that was read: its records by member. */
  readonly #known = new Map<string, ReadonlyMap<string, KnownRecord>>()

  constructor(port: RedisPort) {
    this.#port = port
  }

  /** `serverTime`: what the store's clock says, ms since 1970, asked in the same round trip. */
  async read(group: string, serverTime: Promise<number>): Promise<GroupSnapshot> {
    const [key, , records, marks] = groupKeys(this.#port.prefix, group)
    const [now, reply] = await Promise.all([serverTime, this.#port.commands([['HGET', key, 'version'], ['HGETALL', records], ['HGETALL', marks]])])
    return this.#snapshot(group, reply as unknown as GroupReply, now)
  }

  #snapshot(group: string, [version, records, marks]: GroupReply, now: number): GroupSnapshot {
    const before = this.#known.get(group)
    const known = new Map<string, KnownRecord>()
    const markOf = marksById(marks)
    const members: StoredMember[] = []
    for (let i = 0; i + 1 < records.length; i += 2) {
      const id = records[i] ?? ''
      const { ends, text } = splitRecord(records[i + 1] ?? '')
      const record = recordOf(text, before?.get(id))
      known.set(id, record)
      members.push({ id, record: record.record, mark: markOf.get(id), leftMs: Math.abs(ends) - now })
    }
    if (known.size > 0) this.#known.set(group, known)
    else this.#known.delete(group)
    return { version: Number(version ?? 0), members: members.sort((a, b) => a.id < b.id ? -1 : 1) }
  }
}

function recordOf(text: string, before: KnownRecord | undefined): KnownRecord {
  return before?.text === text ? before : { text, record: parseRecord(text) }
}

function splitRecord(stored: string): { readonly ends: number; readonly text: string } {
  const space = stored.indexOf(' ')
  return { ends: Number(stored.slice(0, space)), text: stored.slice(space + 1) }
}

function marksById(flat: readonly string[]): ReadonlyMap<string, JsonObject> {
  const marks = new Map<string, JsonObject>()
  for (let i = 0; i + 1 < flat.length; i += 2) marks.set(flat[i] ?? '', parseRecord(flat[i + 1] ?? ''))
  return marks
}
