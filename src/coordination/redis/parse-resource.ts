import type { HolderSnapshot, ResourceSnapshot, WaiterSnapshot } from '../store.js'
import { parseRecord } from '../record.js'

/** A holder as it is stored; times are ms since 1970. */
interface StoredHolder {
  readonly id: string
  readonly expires: number
  readonly fence: number
  readonly weight: number
  readonly delay: number
  readonly since: number
  readonly record: Readonly<Record<string, unknown>>
}

/**
 * The resource as every call would find it at `now`: a lease that has run out is over,
 * its lock delay runs, and `last` tells of it, whether or not somebody has noticed.
 * Undefined: the store knows nothing of it.
 */
export function parseResource(name: string, now: number, fields: readonly string[], queue: readonly string[]): ResourceSnapshot | undefined {
  if (fields.length === 0) return undefined
  const values = pairs(fields)
  const holders = holdersIn(values)
  const over = holders.filter(({ expires }) => expires <= now).sort((a, b) => a.expires - b.expires || a.fence - b.fence)
  const delays = over.map(({ expires, delay }) => delay > 0 ? expires + delay : 0)
  const latest = over.at(-1)
  return {
    name,
    capacity: Number(values.get('capacity') ?? 0),
    fence: BigInt(values.get('fence') ?? 0),
    holders: holders.filter(({ expires }) => expires > now).sort((a, b) => a.fence - b.fence).map((holder) => snapshotOf(holder, now)),
    waiters: queue.map((id) => waiterOf(id, values.get(`waiter:${id}`), now)),
    closedMs: Math.max(0, Number(values.get('closed') ?? 0) - now, ...delays.map((end) => end - now)),
    last: latest ? `expired ${latest.id} fence ${latest.fence} at ${latest.expires}` : values.get('last') ?? '',
  }
}

/** What a force-release answers: the time, then id and record of each. Oldest first. */
export function parseEnded(reply: readonly string[]): readonly HolderSnapshot[] {
  const now = Number(reply[0])
  return [...pairs(reply.slice(1))]
    .map(([id, text]) => holderOf(id, text))
    .sort((a, b) => a.fence - b.fence)
    .map((holder) => snapshotOf(holder, now))
}

function holdersIn(values: ReadonlyMap<string, string>): readonly StoredHolder[] {
  return [...values].filter(([field]) => field.startsWith('holder:')).map(([field, text]) => holderOf(field.slice('holder:'.length), text))
}

function holderOf(id: string, text: string): StoredHolder {
  const { expires, fence, weight, delay, since, ...record } = parseRecord(text)
  return { id, expires: Number(expires), fence: Number(fence), weight: Number(weight), delay: Number(delay), since: Number(since), record }
}

function snapshotOf({ id, fence, weight, since, expires, record }: StoredHolder, now: number): HolderSnapshot {
  return { id, fence: BigInt(fence), weight, since, leftMs: expires - now, record }
}

function waiterOf(id: string, text: string | undefined, now: number): WaiterSnapshot {
  const [expires, weight] = (text ?? '0 0').split(' ', 2)
  return { id, weight: Number(weight), leftMs: Math.max(0, Number(expires) - now) }
}

function pairs(flat: readonly string[]): Map<string, string> {
  const map = new Map<string, string>()
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(flat[i] ?? '', flat[i + 1] ?? '')
  return map
}
