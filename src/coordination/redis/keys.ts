/**
 * Names of keys and channels, for a person with redis-cli to read:
 *
 *     reeve:{lock:NAME}            HASH  used capacity fence next closed queued ticket last
 *                                        holder:ID = {"expires":…,"fence":…,"weight":…,"delay":…,"since":…, and what it tells of itself}
 *                                        waiter:ID = EXPIRES WEIGHT CHANNEL
 *     reeve:{lock:NAME}:queue      ZSET  waiting id → ticket
 *     reeve:{group:NAME}           HASH  version beat hold
 *     reeve:{group:NAME}:members   ZSET  member → end of its ttl; negative: a kept one's
 *     reeve:{group:NAME}:records   HASH  member → the same end, a space, JSON: all that a reader needs
 *     reeve:{group:NAME}:marks     HASH  member → JSON
 *     reeve:epoch                  RUNID UNTIL BEGAN
 *
 * Times are ms since 1970 by the server's clock. What is in braces is the hash tag
 * that keeps the keys of one thing in one slot of a Cluster. A kind and a colon come
 * first in it, so it is never empty, and the last brace is always ours: names may hold
 * braces and colons without two things ever sharing a key.
 */
const QUEUE = ':queue'
const MEMBERS = ':members'

/** The HASH of `lock:NAME` or `leader:NAME`. */
export function resourceKey(prefix: string, name: string): string {
  return `${prefix}:{${name}}`
}

/** The queue beside a resource's HASH. */
export function queueKey(resource: string): string {
  return resource + QUEUE
}

/** `reeve:{lock:a}` → `lock:a` */
export function resourceOfKey(prefix: string, key: string): string {
  return key.slice(prefix.length + 2, -1)
}

/** What the HASH of every resource of `kind` matches, and no queue. */
export function resourcePattern(prefix: string, kind: string): string {
  return `${prefix}:{${kind}:*}`
}

export function groupKey(prefix: string, group: string): string {
  return `${prefix}:{group:${group}}`
}

/** The keys of a group in the order in which its scripts take them. */
export function groupKeys(prefix: string, group: string): readonly [group: string, members: string, records: string, marks: string] {
  const key = groupKey(prefix, group)
  return [key, key + MEMBERS, `${key}:records`, `${key}:marks`]
}

/** What the members of every group match: the key is there while the group has one. */
export function membersPattern(prefix: string): string {
  return `${prefix}:{group:*}${MEMBERS}`
}

/** `reeve:{group:a}:members` → `a` */
export function groupOfMembersKey(prefix: string, key: string): string {
  return key.slice(`${prefix}:{group:`.length, -(1 + MEMBERS.length))
}

export function epochKey(prefix: string): string {
  return `${prefix}:epoch`
}

/** The channel of a topic, `group:NAME` or `leader:NAME`. The scripts derive it from the key. */
export function topicChannel(prefix: string, topic: string): string {
  return `${prefix}:${topic}`
}
