import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LeaseTable } from '#src/coordination/embedded/lease-table.js'
import type { AcquireReply, AcquireRequest } from '#src/coordination/store.js'

const START_MS = 1_700_000_000_000

/** A table and its time. */
class Bench {
  readonly table = new LeaseTable()
  now = START_MS

  get us(): number { return this.now * 1_000 }

  acquire(id: string, more: Partial<AcquireRequest> = {}) {
    const request = { name: 'lock:a', id, weight: 1, capacity: 1, ttlMs: 1_000, lockDelayMs: 0, waitMs: 10_000, record: '{}', ...more }
    return this.table.acquire(request, this.us)
  }

  release(id: string, more: object = {}) {
    return this.table.release({ name: 'lock:a', id, ...more }, this.us)
  }

  read(name = 'lock:a') {
    const found = this.table.read(name, this.us)
    assert.ok(found)
    return found
  }
}

function granted(reply: AcquireReply): bigint {
  assert.equal(reply.status, 'granted')
  return reply.status === 'granted' ? reply.fence : 0n
}

describe('LeaseTable.acquire() of a resource that is', () => {
  test('free grants, with a fence of the clock', () => {
    const bench = new Bench()
    assert.deepEqual(bench.acquire('a#1').reply, { status: 'granted', fence: BigInt(START_MS) * 1_000n, leftMs: 1_000, replayed: false })
  })

  test('held by the same id repeats its answer, with what is left', () => {
    const bench = new Bench()
    const fence = granted(bench.acquire('a#1').reply)
    bench.now += 300
    assert.deepEqual(bench.acquire('a#1').reply, { status: 'granted', fence, leftMs: 700, replayed: true })
  })

  test('held queues, says where, and keeps the place when it is asked again', () => {
    const bench = new Bench()
    bench.acquire('a#1')
    bench.now += 100
    assert.deepEqual(bench.acquire('b#1').reply, { status: 'busy', position: 0, queued: 1, retryMs: 900 })
    assert.deepEqual(bench.acquire('c#1').reply, { status: 'busy', position: 1, queued: 2, retryMs: 900 })
    assert.deepEqual(bench.acquire('b#1').reply, { status: 'busy', position: 0, queued: 2, retryMs: 900 })
  })

  test('held does not queue one who only tries', () => {
    const bench = new Bench()
    bench.acquire('a#1')
    assert.deepEqual(bench.acquire('b#1', { waitMs: 0 }).reply, { status: 'busy', position: -1, queued: 0, retryMs: 1_000 })
    assert.deepEqual(bench.read().waiters, [])
  })

  test('free but awaited is not given to one who only tries', () => {
    const bench = new Bench()
    bench.acquire('a#1')
    bench.acquire('b#1')
    bench.release('a#1')
    assert.deepEqual(bench.acquire('c#1', { waitMs: 0 }).reply, { status: 'busy', position: -1, queued: 1, retryMs: 10_000 })
    granted(bench.acquire('b#1').reply)
  })

  test('quarantined repeats an answer, extends, releases and grants nothing new', () => {
    const bench = new Bench()
    const fence = granted(bench.acquire('a#1').reply)
    bench.table.quarantine(bench.now + 500)
    assert.deepEqual(bench.acquire('a#1').reply, { status: 'granted', fence, leftMs: 1_000, replayed: true })
    assert.deepEqual(bench.acquire('b#1').reply, { status: 'quarantined', leftMs: 500 })
    assert.deepEqual(bench.table.extend([{ name: 'lock:a', id: 'a#1', ttlMs: 2_000 }], bench.us), [{ leftMs: 2_000 }])
    assert.equal(bench.release('a#1').reply, 'released')
    bench.now += 500
    granted(bench.acquire('b#1').reply)
  })

  test('in quarantine with a queue wakes its head at the end of it', () => {
    const bench = new Bench()
    bench.acquire('a#1')
    bench.acquire('b#1')
    bench.table.quarantine(bench.now + 500)
    assert.deepEqual(bench.release('a#1').happened.wakes, [])
    assert.equal(bench.table.nextDue(), bench.now + 500)
    bench.now += 500
    assert.deepEqual(bench.table.sweep(bench.us).wakes, ['b#1'])
  })

  test('held or awaited with another capacity is a mismatch, and not afterwards', () => {
    const bench = new Bench()
    bench.acquire('a#1')
    assert.deepEqual(bench.acquire('b#1', { capacity: 2 }).reply, { status: 'mismatch', capacity: 1 })
    bench.acquire('c#1')
    bench.release('a#1')
    assert.deepEqual(bench.acquire('b#1', { capacity: 2 }).reply, { status: 'mismatch', capacity: 1 })
    bench.release('c#1')
    granted(bench.acquire('b#1', { capacity: 2 }).reply)
  })

  test('held by one whose lease ended is given on, and says so', () => {
    const bench = new Bench()
    const first = granted(bench.acquire('a#1').reply)
    bench.now += 1_000
    const { reply, happened } = bench.acquire('b#1')
    assert.ok(granted(reply) > first)
    assert.deepEqual(happened.ended, ['a#1'])
    assert.equal(bench.read().last, `expired a#1 fence ${first} at ${START_MS + 1_000}`)
  })

  test('closed by the lock delay of a lease that ended: it runs from its end', () => {
    const bench = new Bench()
    bench.acquire('a#1', { lockDelayMs: 500 })
    bench.now += 1_200
    assert.deepEqual(bench.acquire('b#1').reply, { status: 'busy', position: 0, queued: 1, retryMs: 300 })
    bench.now += 300
    granted(bench.acquire('b#1').reply)
  })

  test('awaited by a dead head drops it; the one behind is woken by somebody else’s call', () => {
    const bench = new Bench()
    bench.acquire('a#1', { ttlMs: 60_000 })
    bench.acquire('b#1', { waitMs: 100 })
    bench.acquire('c#1')
    bench.release('a#1')
    bench.now += 100
    const { reply, happened } = bench.acquire('d#1')
    assert.deepEqual(reply, { status: 'busy', position: 1, queued: 2, retryMs: 9_900 })
    assert.deepEqual({ ...happened }, { wakes: ['c#1'], topics: [], ended: ['b#1'] })
  })

  test('shared wakes the next who may also enter', () => {
    const bench = new Bench()
    bench.acquire('w#1', { capacity: 10, weight: 10 })
    bench.acquire('r#1', { capacity: 10 })
    bench.acquire('r#2', { capacity: 10 })
    assert.deepEqual(bench.release('w#1').happened.wakes, ['r#1'])
    assert.deepEqual(bench.acquire('r#1', { capacity: 10 }).happened.wakes, ['r#2'])
    assert.deepEqual(bench.acquire('r#2', { capacity: 10 }).happened.wakes, [])
    assert.equal(bench.read().holders.length, 2)
  })

  test('shared does not let small ones overtake a big one', () => {
    const bench = new Bench()
    bench.acquire('a#1', { capacity: 3, weight: 2 })
    assert.equal(bench.acquire('b#1', { capacity: 3, weight: 3 }).reply.status, 'busy')
    assert.equal(bench.acquire('c#1', { capacity: 3, weight: 1 }).reply.status, 'busy')
  })

  test('given out before has a greater fence, although the clock went back', () => {
    const bench = new Bench()
    const first = granted(bench.acquire('a#1').reply)
    bench.release('a#1')
    bench.now -= 60_000
    assert.equal(granted(bench.acquire('b#1').reply), first + 1n)
  })

  test('forgotten has a greater fence, although the clock went back', () => {
    const bench = new Bench()
    const first = granted(bench.acquire('a#1').reply)
    bench.release('a#1')
    bench.now += 3_600_000
    bench.acquire('b#1', { name: 'lock:b' })
    bench.release('b#1', { name: 'lock:b' })
    assert.equal(bench.table.read('lock:a', bench.us), undefined)
    bench.now = START_MS - 60_000
    assert.ok(granted(bench.acquire('c#1').reply) > first)
  })
})

describe('LeaseTable.extend()', () => {
  test('lengthens, never shortens, only looks with 0, and knows what is gone', () => {
    const bench = new Bench()
    bench.acquire('a#1')
    bench.acquire('b#1')
    const extend = (id: string, ttlMs: number) => bench.table.extend([{ name: 'lock:a', id, ttlMs }], bench.us)[0]?.leftMs
    assert.equal(extend('a#1', 3_000), 3_000)
    assert.equal(extend('a#1', 500), 3_000)
    bench.now += 1_000
    assert.equal(extend('a#1', 0), 2_000)
    assert.equal(extend('b#1', 1_000), 0, 'it waits')
    bench.now += 2_000
    assert.equal(extend('a#1', 1_000), 0)
    assert.deepEqual(bench.table.extend([{ name: 'lock:none', id: 'a#1', ttlMs: 1 }], bench.us), [{ leftMs: 0 }])
  })

  test('is enough for sweep() to leave the holder in', () => {
    const bench = new Bench()
    bench.acquire('a#1')
    bench.table.extend([{ name: 'lock:a', id: 'a#1', ttlMs: 5_000 }], bench.us)
    bench.now += 1_000
    assert.deepEqual(bench.table.sweep(bench.us).ended, [])
    assert.equal(bench.table.nextDue(), START_MS + 5_000)
  })
})

describe('LeaseTable.release() of', () => {
  test('a holder wakes the head; again it is gone', () => {
    const bench = new Bench()
    bench.acquire('a#1')
    bench.acquire('b#1')
    const { reply, happened } = bench.release('a#1')
    assert.equal(reply, 'released')
    assert.deepEqual(happened.wakes, ['b#1'])
    assert.deepEqual(happened.ended, ['a#1'])
    assert.equal(bench.release('a#1').reply, 'gone')
    assert.equal(bench.read().last, '')
  })

  test('a dead holder closes the resource for its lock delay', () => {
    const bench = new Bench()
    const fence = granted(bench.acquire('a#1', { lockDelayMs: 400 }).reply)
    bench.acquire('b#1')
    const { reply, happened } = bench.release('a#1', { unclean: true })
    assert.equal(reply, 'released')
    assert.deepEqual(happened.wakes, [])
    assert.equal(bench.read().closedMs, 400)
    assert.equal(bench.read().last, `died a#1 fence ${fence} at ${START_MS}`)
    assert.equal(bench.table.nextDue(), START_MS + 400)
    bench.now += 400
    assert.deepEqual(bench.table.sweep(bench.us).wakes, ['b#1'])
  })

  test('a waiter lets the next one in', () => {
    const bench = new Bench()
    bench.acquire('a#1', { capacity: 2 })
    bench.acquire('b#1', { capacity: 2, weight: 2 })
    bench.acquire('c#1', { capacity: 2 })
    const { reply, happened } = bench.release('b#1')
    assert.equal(reply, 'left')
    assert.deepEqual(happened.wakes, ['c#1'])
  })

  test('an expired holder is gone, and lets the head in all the same', () => {
    const bench = new Bench()
    bench.acquire('a#1')
    bench.acquire('b#1')
    bench.now += 1_000
    const { reply, happened } = bench.release('a#1')
    assert.equal(reply, 'gone')
    assert.deepEqual(happened.wakes, ['b#1'])
  })

  test('what is unknown is gone and leaves nothing behind', () => {
    const bench = new Bench()
    assert.equal(bench.release('a#1').reply, 'gone')
    assert.equal(bench.table.read('lock:a', bench.us), undefined)
  })

  test('a holder to a member moves its oldest request to the head', () => {
    const bench = new Bench()
    for (const id of ['a#1', 'b#1', 'c#1', 'c#2']) bench.acquire(id)
    const { reply, happened } = bench.release('a#1', { to: 'c' })
    assert.equal(reply, 'released')
    assert.deepEqual(happened.wakes, ['c#1'])
    assert.deepEqual(bench.read().waiters.map(({ id }) => id), ['c#1', 'b#1', 'c#2'])
  })

  test('a holder to a member that does not wait is kept with onlyTo, and given back without', () => {
    const bench = new Bench()
    bench.acquire('a#1', { ttlMs: 60_000 })
    bench.acquire('b#1')
    bench.acquire('c#1', { waitMs: 10 })
    bench.now += 10
    assert.equal(bench.release('a#1', { to: 'c', onlyTo: true }).reply, 'kept')
    assert.equal(bench.read().holders.length, 1)
    const { reply, happened } = bench.release('a#1', { to: 'c' })
    assert.equal(reply, 'released')
    assert.deepEqual(happened.wakes, ['b#1'])
  })
})

describe('LeaseTable.forceRelease()', () => {
  test('ends every lease, closes, and writes down who did it', () => {
    const bench = new Bench()
    const fence = granted(bench.acquire('a#1', { capacity: 2, record: '{"host":"h1"}' }).reply)
    bench.acquire('b#1', { capacity: 2 })
    const { reply, happened } = bench.table.forceRelease({ name: 'lock:a', by: 'operator', lockDelayMs: 200 }, bench.us)
    assert.deepEqual(reply[0], { id: 'a#1', fence, weight: 1, since: START_MS, leftMs: 1_000, record: { host: 'h1' } })
    assert.equal(reply.length, 2)
    assert.deepEqual(happened.ended, ['a#1', 'b#1'])
    assert.deepEqual([bench.read().closedMs, bench.read().last], [200, `forced by operator at ${START_MS}`])
    assert.deepEqual(bench.table.extend([{ name: 'lock:a', id: 'a#1', ttlMs: 1 }], bench.us), [{ leftMs: 0 }])
  })

  test('of what nobody holds does nothing', () => {
    const bench = new Bench()
    assert.deepEqual(bench.table.forceRelease({ name: 'lock:a', by: 'operator', lockDelayMs: 200 }, bench.us).reply, [])
    granted(bench.acquire('a#1').reply)
    bench.release('a#1')
    assert.deepEqual(bench.table.forceRelease({ name: 'lock:a', by: 'operator', lockDelayMs: 200 }, bench.us).reply, [])
    granted(bench.acquire('a#2').reply)
  })
})

describe('LeaseTable tells of a leader', () => {
  test('when the holder is another, or tells another thing of itself', () => {
    const bench = new Bench()
    const name = 'leader:a'
    const topics = ['leader:a']
    assert.deepEqual(bench.acquire('a#1', { name, lockDelayMs: 10 }).happened.topics, topics)
    assert.deepEqual(bench.acquire('a#1', { name }).happened.topics, [])
    assert.deepEqual(bench.acquire('b#1', { name }).happened.topics, [])
    const amended = bench.table.amend({ name, id: 'a#1', record: '{"value":1}' }, bench.us)
    assert.deepEqual([amended.reply, amended.happened.topics], [true, topics])
    assert.deepEqual(bench.read(name).holders[0]?.record, { value: 1 })
    assert.deepEqual(bench.table.amend({ name, id: 'b#1', record: '{}' }, bench.us).reply, false)
    bench.now += 1_000
    assert.deepEqual(bench.table.sweep(bench.us).topics, topics)
    assert.deepEqual(bench.table.sweep(bench.us).topics, [])
  })
})

describe('LeaseTable.read() and list()', () => {
  test('show a lease that has ended as ended before anybody has noticed', () => {
    const bench = new Bench()
    const fence = granted(bench.acquire('a#1', { lockDelayMs: 500 }).reply)
    bench.now += 1_100
    const { holders, closedMs, last } = bench.read()
    assert.deepEqual([holders, closedMs, last], [[], 400, `expired a#1 fence ${fence} at ${START_MS + 1_000}`])
  })

  test('list() gives what is in use, of one kind, sorted', () => {
    const bench = new Bench()
    for (const name of ['lock:b', 'lock:a', 'leader:c', 'lock:d']) bench.acquire('a#1', { name })
    bench.table.release({ name: 'lock:d', id: 'a#1' }, bench.us)
    assert.deepEqual(bench.table.list('lock', bench.us).map(({ name }) => name), ['lock:a', 'lock:b'])
    assert.deepEqual(bench.table.list('leader', bench.us).map(({ name }) => name), ['leader:c'])
  })
})
