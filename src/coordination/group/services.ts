import { CodedError } from '../../base/errors.js'
import type { ServiceRecord, ServiceRecords } from '../contract.js'
import { checkName } from '../names.js'
import type { CoordinationStore, StoredMember } from '../store.js'

/** The group whose members are service records: they outlive their ttl, and are down then. */
export const SERVICES_GROUP = 'services'

const DEFAULT_TTL_MS = 60_000
const MIN_TTL_MS = 250
const MAX_TTL_MS = 86_400_000

/** Service records as their services see them. `now`: ms since 1970, for people who read since when a service is disabled; nothing is judged by it. */
export function createServiceRecords(store: CoordinationStore, now: () => number = Date.now): ServiceRecords {
  return new StoredServiceRecords(store, now)
}

/**
 * What operators see of services and say about them. Stored as
 * `{"ttlMs":60000,"record":{…}}`, with a mark `{"disabled":true,"reason":"…","at":…}`
 * that reports do not touch.
 */
export class ServiceDirectory implements Omit<ServiceRecords, 'report' | 'forget'> {
  readonly #store: Pick<CoordinationStore, 'mark' | 'readGroup'>
  readonly #now: () => number

  constructor(store: Pick<CoordinationStore, 'mark' | 'readGroup'>, now: () => number = Date.now) {
    this.#store = store
    this.#now = now
  }

  async list(): Promise<readonly ServiceRecord[]> {
    const { members } = await this.#store.readGroup(SERVICES_GROUP)
    return members.map(toServiceRecord)
  }

  async isUp(id: string): Promise<boolean> {
    const { members } = await this.#store.readGroup(SERVICES_GROUP)
    return members.some((member) => member.id === id && member.leftMs > 0)
  }

  async enable(id: string): Promise<void> {
    await this.#mark('enable', id, null)
  }

  async disable(id: string, reason: string): Promise<void> {
    await this.#mark('disable', id, JSON.stringify({ disabled: true, reason, at: this.#now() }))
  }

  async #mark(act: string, id: string, mark: string | null): Promise<void> {
    if (await this.#store.mark({ group: SERVICES_GROUP, member: id, mark })) return
    throw new CodedError('SERVICE_NOT_FOUND', `Cannot ${act} the service "${id}" as it has never reported`, { details: { id } })
  }
}

class StoredServiceRecords extends ServiceDirectory implements ServiceRecords {
  readonly #store: CoordinationStore

  constructor(store: CoordinationStore, now: () => number) {
    super(store, now)
    this.#store = store
  }

  async report(id: string, record: Readonly<Record<string, unknown>>, { ttlMs = DEFAULT_TTL_MS }: { readonly ttlMs?: number } = {}): Promise<void> {
    checkName('service', id)
    if (!(ttlMs >= MIN_TTL_MS && ttlMs <= MAX_TTL_MS)) throw new RangeError(`Cannot report the service "${id}" as its ttlMs is ${MIN_TTL_MS} to ${MAX_TTL_MS}: ${ttlMs}`)
    await this.#store.beat([{ group: SERVICES_GROUP, member: id, ttlMs: Math.ceil(ttlMs), keep: true, record: JSON.stringify({ ttlMs, record }) }])
  }

  async forget(id: string): Promise<boolean> {
    return await this.#store.leave({ group: SERVICES_GROUP, member: id })
  }
}

function toServiceRecord({ id, record, mark, leftMs }: StoredMember): ServiceRecord {
  const ttlMs = typeof record.ttlMs === 'number' ? record.ttlMs : DEFAULT_TTL_MS
  return {
    id,
    record: typeof record.record === 'object' && record.record !== null ? record.record as Readonly<Record<string, unknown>> : {},
    up: leftMs > 0,
    lastSeenMs: Math.max(0, ttlMs - leftMs),
    disabled: mark?.disabled === true,
    disabledReason: typeof mark?.reason === 'string' ? mark.reason : undefined,
  }
}
