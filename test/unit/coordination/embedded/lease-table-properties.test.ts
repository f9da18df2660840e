import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Happened } from '#src/coordination/embedded/happened.js'
import { LeaseTable } from '#src/coordination/embedded/lease-table.js'
import type { ResourceSnapshot } from '#src/coordination/store.js'

const NAME = 'lock:a'
const CAPACITY = 4

type Step =
  | { readonly do: 'acquire'; readonly who: number; readonly waitMs: number; readonly lockDelayMs: number; readonly ttlMs: number }
  | { readonly do: 'extend'; readonly who: number; readonly ttlMs: number }
  | { readonly do: 'release'; readonly who: number; readonly unclean: boolean; readonly to: number | undefined }
  | { readonly do: 'force'; readonly lockDelayMs: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'sweep' }

const who = fc.integer({ min: 0, max: 7 })
const steps = fc.array(fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('acquire' as const), who, waitMs: fc.constantFrom(0, 40, 300), lockDelayMs: fc.constantFrom(0, 0, 30), ttlMs: fc.constantFrom(20, 100) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('extend' as const), who, ttlMs: fc.constantFrom(0, 50, 200) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), who, unclean: fc.boolean(), to: fc.option(who, { nil: undefined }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('force' as const), lockDelayMs: fc.constantFrom(0, 25) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 15, 60, -10) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sweep' as const }) },
) satisfies fc.Arbitrary<Step>, { maxLength: 80 })

/** Plays steps on one resource and looks after each whether the promises were kept. */
class Play {
  readonly #table = new LeaseTable()
  #now = 1_700_000_000_000
  #lastFence = 0n
  /** Heads that were told to ask again and have not yet. */
  readonly #woken = new Set<string>()

  play(step: Step): void {
    const before = this.#read()
    const happened = this.#do(step, before)
    for (const id of happened?.wakes ?? []) this.#woken.add(id)
    const after = this.#read()
    if (after) this.#check(after)
  }

  #do(step: Step, before: ResourceSnapshot | undefined): Happened | undefined {
    const us = this.#now * 1_000
    switch (step.do) {
      case 'pass': this.#now += step.ms; return undefined
      case 'sweep': return this.#table.sweep(us)
      case 'extend': this.#table.extend([{ name: NAME, id: idOf(step.who), ttlMs: step.ttlMs }], us); return undefined
      case 'force': return this.#table.forceRelease({ name: NAME, by: 'me', lockDelayMs: step.lockDelayMs }, us).happened
      case 'release': return this.#table.release({ name: NAME, id: idOf(step.who), unclean: step.unclean, ...(step.to === undefined ? {} : { to: `m${step.to}` }) }, us).happened
      case 'acquire': return this.#acquire(step, before)
    }
  }

  #acquire({ who, ...times }: Extract<Step, { do: 'acquire' }>, before: ResourceSnapshot | undefined): Happened {
    const id = idOf(who)
    const { reply, happened } = this.#table.acquire({ name: NAME, id, weight: weightOf(who), capacity: CAPACITY, record: '{}', ...times }, this.#now * 1_000)
    this.#woken.delete(id)
    if (reply.status !== 'granted') return happened
    assert.equal(reply.replayed, before?.holders.some((holder) => holder.id === id) ?? false)
    if (reply.replayed) return happened
    assert.ok(reply.fence > this.#lastFence, 'fences grow')
    this.#lastFence = reply.fence
    assert.equal(before?.closedMs ?? 0, 0, 'no grant in a lock delay')
    const livingHead = before?.waiters.find(({ leftMs }) => leftMs > 0)
    assert.ok(livingHead === undefined || livingHead.id === id, 'first come, first served')
    return happened
  }

  #check({ holders, waiters, closedMs, fence }: ResourceSnapshot): void {
    const used = holders.reduce((sum, { weight }) => sum + weight, 0)
    assert.ok(used <= CAPACITY, 'never over capacity')
    assert.ok(fence >= this.#lastFence)
    assert.equal(new Set(holders.map((each) => each.fence)).size, holders.length)
    assert.deepEqual(holders.map((each) => each.fence), holders.map((each) => each.fence).sort((a, b) => a < b ? -1 : 1))
    const [head] = waiters
    const admissible = head && head.leftMs > 0 && closedMs === 0 && used + head.weight <= CAPACITY
    const due = this.#table.nextDue()
    assert.ok(!admissible || this.#woken.has(head.id) || (due !== undefined && due <= this.#now), 'nobody who may enter is left asleep')
    assert.ok(!head || due !== undefined, 'a queue is looked at again')
  }

  #read(): ResourceSnapshot | undefined {
    return this.#table.read(NAME, this.#now * 1_000)
  }
}

function idOf(who: number): string {
  return `m${who}#1`
}

function weightOf(who: number): number {
  return [1, 1, 1, 2, 2, 3, 4, 1][who] ?? 1
}

test('LeaseTable keeps its promises after every step', () => {
  fc.assert(fc.property(steps, (sequence) => {
    const play = new Play()
    for (const step of sequence) play.play(step)
  }), { numRuns: 2_000 })
})
