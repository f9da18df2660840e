import assert from 'node:assert/strict'
import type { AcquireReply, AcquireRequest, CoordinationStore } from '#src/coordination/store.js'

/** One kind of store, as the cases of the contract use it. */
export interface Driver {
  readonly name: string
  /** Undefined: it can run here; else why not. */
  unavailable(): Promise<string | undefined>
  open(): Promise<OpenDriver>
}

export interface OpenDriver {
  /** Two clients of one store. */
  readonly first: CoordinationStore
  readonly second: CoordinationStore
  /** A further one. Close it. */
  openClient(): Promise<CoordinationStore>
  /** Lets `ms` and a little more of the store's clock go by. */
  advance(ms: number): Promise<void>
  close(): Promise<void>
}

/** Long enough never to end within a case, however slow the machine. */
export const LONG_MS = 600_000
/** So short that cases can wait for its end, on a real clock too. */
export const SHORT_MS = 300
/** For what comes by itself: a wake-up, a message. */
const WITHIN_MS = 10_000

let cases = 0

/** What one case needs: a resource and ids of its own, both clients, and who was woken. */
export class Scene {
  readonly first: CoordinationStore
  readonly second: CoordinationStore
  /** Of this case alone, so that cases share a store. */
  readonly name: string
  /** Woken ids, in order, by the client that heard it. */
  readonly woken: { readonly first: string[]; readonly second: string[] } = { first: [], second: [] }
  readonly #driver: OpenDriver
  readonly #number = ++cases

  constructor(driver: OpenDriver) {
    this.#driver = driver
    this.first = driver.first
    this.second = driver.second
    this.name = `lock:case ${this.#number}`
    // A message to an earlier case may come late.
    const isMine = (id: string): boolean => id.endsWith(`.${this.#number}`) || id.includes(this.name)
    driver.first.onWake((id) => { if (isMine(id)) this.woken.first.push(id) })
    driver.second.onWake((id) => { if (isMine(id)) this.woken.second.push(id) })
  }

  /** A request by one client for all of a mutex, which does not queue, with these changes. Its id is `MEMBER#1.CASE`. */
  request(member: string, changes: Partial<AcquireRequest> = {}): AcquireRequest {
    return { name: this.name, id: this.id(member), weight: 1, capacity: 1, ttlMs: LONG_MS, lockDelayMs: 0, waitMs: 0, record: `{"host":"h"}`, ...changes }
  }

  /** The same that queues. */
  waiting(member: string, changes: Partial<AcquireRequest> = {}): AcquireRequest {
    return this.request(member, { waitMs: LONG_MS, ...changes })
  }

  id(member: string): string {
    return `${member}#1.${this.#number}`
  }

  release(member: string, changes: { readonly unclean?: boolean; readonly to?: string; readonly onlyTo?: boolean } = {}) {
    return this.first.release({ name: this.name, id: this.id(member), ...changes })
  }

  async read() {
    const snapshot = await this.first.readResource(this.name)
    assert.ok(snapshot, `${this.name} is remembered`)
    return snapshot
  }

  async holders(): Promise<readonly string[]> {
    return (await this.read()).holders.map(({ id }) => id)
  }

  async waiters(): Promise<readonly string[]> {
    return (await this.read()).waiters.map(({ id }) => id)
  }

  /** How much of a lease is left now; 0: it is gone. */
  async leftMs(member: string): Promise<number> {
    const [reply] = await this.first.extend([{ name: this.name, id: this.id(member), ttlMs: 0 }])
    return reply?.leftMs ?? Number.NaN
  }

  openClient(): Promise<CoordinationStore> {
    return this.#driver.openClient()
  }

  advance(ms: number): Promise<void> {
    return this.#driver.advance(ms)
  }

  /** Lets the store's clock go on step by step until `probe` holds. */
  async advanceUntil(what: string, stepMs: number, probe: () => Promise<boolean>): Promise<void> {
    for (let step = 0; step < 200; step++) {
      if (await probe()) return
      await this.advance(stepMs)
    }
    assert.fail(`${what}: not within ${200 * stepMs} ms`)
  }

  /** Waits, by the test's clock, for something that the store does by itself. */
  async eventually(what: string, probe: () => boolean): Promise<void> {
    const end = performance.now() + WITHIN_MS
    while (!probe()) {
      assert.ok(performance.now() < end, `${what}: not within ${WITHIN_MS} ms`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
}

/** The grant's own part of a reply. */
export function granted(reply: AcquireReply): Extract<AcquireReply, { status: 'granted' }> {
  assert.ok(reply.status === 'granted', `granted, not ${reply.status}`)
  return reply
}

export function busy(reply: AcquireReply): Extract<AcquireReply, { status: 'busy' }> {
  assert.ok(reply.status === 'busy', `busy, not ${reply.status}`)
  return reply
}

/** A rule of the contract, and what shows that a store keeps it. */
export interface Case {
  readonly title: string
  run(scene: Scene): Promise<void>
}
