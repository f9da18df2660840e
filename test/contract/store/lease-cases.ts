import assert from 'node:assert/strict'
import { busy, granted, LONG_MS, SHORT_MS, type Case } from './scene.js'

/** What holders may rely on: grants, fences, ends. */
export const leaseCases: readonly Case[] = [
  {
    title: 'acquire() grants what is free, for the time that was asked',
    run: async (scene) => {
      const { fence, leftMs, replayed } = granted(await scene.first.acquire(scene.request('a')))
      assert.ok(fence > 1_000_000_000_000_000n, `${fence} is a time in µs`)
      assert.ok(fence < 2n ** 53n)
      assert.equal(leftMs, LONG_MS)
      assert.equal(replayed, false)
    },
  },
  {
    title: 'acquire() refuses what another client holds, and says when to ask again',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      const reply = busy(await scene.second.acquire(scene.request('b')))
      assert.equal(reply.position, -1)
      assert.equal(reply.queued, 0)
      assert.ok(reply.retryMs > 0 && reply.retryMs <= LONG_MS, `${reply.retryMs}`)
    },
  },
  {
    title: 'acquire() gives the same grant to the same id, and does not lengthen it',
    run: async (scene) => {
      const first = granted(await scene.first.acquire(scene.request('a')))
      const second = granted(await scene.second.acquire(scene.request('a', { ttlMs: 2 * LONG_MS, record: '{}' })))
      assert.equal(second.fence, first.fence)
      assert.equal(second.replayed, true)
      assert.ok(second.leftMs <= LONG_MS)
      assert.deepEqual(await scene.holders(), [scene.id('a')])
    },
  },
  {
    title: 'acquire() gives a higher fence to each holder',
    run: async (scene) => {
      const fences: bigint[] = []
      for (let turn = 0; turn < 20; turn++) {
        fences.push(granted(await scene.first.acquire(scene.request(`m${turn}`))).fence)
        await scene.release(`m${turn}`)
      }
      assert.deepEqual(fences, [...new Set(fences)].sort((a, b) => (a < b ? -1 : 1)))
      assert.equal((await scene.read()).fence, fences.at(-1))
    },
  },
  {
    title: 'acquire() gives a new grant to an id whose lease has ended',
    run: async (scene) => {
      const first = granted(await scene.first.acquire(scene.request('a', { ttlMs: SHORT_MS })))
      await scene.advance(SHORT_MS)
      const second = granted(await scene.first.acquire(scene.request('a')))
      assert.equal(second.replayed, false)
      assert.ok(second.fence > first.fence)
    },
  },
  {
    title: 'a lease ends by itself, and its holder is told with every answer',
    run: async (scene) => {
      const { fence } = granted(await scene.first.acquire(scene.request('a', { ttlMs: SHORT_MS })))
      await scene.advance(SHORT_MS)
      assert.deepEqual((await scene.read()).holders, [])
      assert.equal(await scene.leftMs('a'), 0)
      assert.deepEqual(await scene.first.extend([{ name: scene.name, id: scene.id('a'), ttlMs: LONG_MS }]), [{ leftMs: 0 }])
      assert.equal(await scene.first.amend({ name: scene.name, id: scene.id('a'), record: '{}' }), false)
      granted(await scene.second.acquire(scene.request('b')))
      assert.equal(await scene.release('a'), 'gone')
      assert.deepEqual(await scene.holders(), [scene.id('b')])
      assert.ok((await scene.read()).last.startsWith(`expired ${scene.id('a')} fence ${fence} at `), (await scene.read()).last)
    },
  },
  {
    title: 'release() of a lease that has ended does not say that it was held',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a', { ttlMs: SHORT_MS })))
      await scene.advance(SHORT_MS)
      assert.equal(await scene.release('a'), 'gone')
    },
  },
  {
    title: 'release() opens the resource at once, and a second one is a no-op',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a', { lockDelayMs: LONG_MS })))
      assert.equal(await scene.release('a'), 'released')
      assert.equal(await scene.release('a'), 'gone')
      granted(await scene.second.acquire(scene.request('b')))
      assert.equal(await scene.release('a'), 'gone')
      assert.deepEqual(await scene.holders(), [scene.id('b')])
    },
  },
  {
    title: 'release() by a stranger changes nothing',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      assert.equal(await scene.second.release({ name: scene.name, id: scene.id('b') }), 'gone')
      assert.equal(await scene.second.release({ name: `${scene.name} of another`, id: scene.id('a') }), 'gone')
      assert.deepEqual(await scene.holders(), [scene.id('a')])
    },
  },
  {
    title: 'extend() lengthens, never shortens, only looks with 0, and answers in the order of the requests',
    run: async (scene) => {
      const others = ['one', 'two'].map((other) => `${scene.name} ${other}`)
      for (const name of [scene.name, ...others]) granted(await scene.first.acquire(scene.request('a', { name })))
      const id = scene.id('a')
      const replies = await scene.first.extend([
        { name: scene.name, id, ttlMs: 3 * LONG_MS },
        { name: scene.name, id: scene.id('b'), ttlMs: LONG_MS },
        { name: others[0] ?? '', id, ttlMs: 1 },
        { name: `${scene.name} nobody`, id, ttlMs: LONG_MS },
        { name: others[1] ?? '', id, ttlMs: 0 },
      ])
      const lefts = replies.map(({ leftMs }) => leftMs)
      assert.equal(lefts.length, 5)
      assert.equal(lefts[0], 3 * LONG_MS)
      assert.equal(lefts[1], 0)
      assert.ok((lefts[2] ?? 0) > LONG_MS / 2, `${lefts[2]}`)
      assert.equal(lefts[3], 0)
      assert.ok((lefts[4] ?? 0) > LONG_MS / 2, `${lefts[4]}`)
      assert.deepEqual(await scene.first.extend([]), [])
    },
  },
  {
    title: 'extend() keeps a lease beyond its first end',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a', { ttlMs: 2_000 })))
      assert.deepEqual(await scene.first.extend([{ name: scene.name, id: scene.id('a'), ttlMs: LONG_MS }]), [{ leftMs: LONG_MS }])
      await scene.advance(2_000)
      busy(await scene.second.acquire(scene.request('b')))
      assert.ok(await scene.leftMs('a') > 0)
    },
  },
  {
    title: 'a lock delay begins when a holder did not end its work itself',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a', { lockDelayMs: 2_000 })))
      assert.equal(await scene.release('a', { unclean: true }), 'released')
      const { retryMs } = busy(await scene.second.acquire(scene.request('b')))
      assert.ok(retryMs > 0 && retryMs <= 2_000, `${retryMs}`)
      const { closedMs, holders } = await scene.read()
      assert.ok(closedMs > 0 && closedMs <= 2_000, `${closedMs}`)
      assert.deepEqual(holders, [])
      await scene.advance(2_000)
      granted(await scene.second.acquire(scene.request('b')))
    },
  },
  {
    title: 'a lock delay begins at the end of a lease that ran out',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a', { ttlMs: SHORT_MS, lockDelayMs: LONG_MS })))
      await scene.advance(SHORT_MS)
      const { closedMs } = await scene.read()
      assert.ok(closedMs > LONG_MS / 2 && closedMs <= LONG_MS, `${closedMs}`)
      const { retryMs } = busy(await scene.second.acquire(scene.request('b')))
      assert.ok(retryMs > LONG_MS / 2 && retryMs <= LONG_MS, `${retryMs}`)
    },
  },
  {
    title: 'a lock delay is over when as much time has passed, although nobody looked in between',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a', { ttlMs: SHORT_MS, lockDelayMs: SHORT_MS })))
      await scene.advance(2 * SHORT_MS)
      granted(await scene.second.acquire(scene.request('b')))
    },
  },
  {
    title: 'forceRelease() ends every hold, closes the resource and says who it was',
    run: async (scene) => {
      const share = { capacity: 2, record: '{"pid":42}' }
      const fences = [granted(await scene.first.acquire(scene.request('a', share))).fence, granted(await scene.second.acquire(scene.request('b', share))).fence]
      const ended = await scene.second.forceRelease({ name: scene.name, by: 'an operator', lockDelayMs: LONG_MS })
      assert.deepEqual(ended.map(({ id, fence, record }) => ({ id, fence, record })), [
        { id: scene.id('a'), fence: fences[0], record: { pid: 42 } },
        { id: scene.id('b'), fence: fences[1], record: { pid: 42 } },
      ])
      assert.equal(await scene.leftMs('a'), 0)
      assert.equal(await scene.release('b'), 'gone')
      const { holders, closedMs, last } = await scene.read()
      assert.deepEqual(holders, [])
      assert.ok(closedMs > LONG_MS / 2 && closedMs <= LONG_MS)
      assert.match(last, /^forced by an operator/)
      busy(await scene.first.acquire(scene.request('c', { capacity: 2 })))
    },
  },
  {
    title: 'forceRelease() with no delay lets the next one in at once, and of nothing ends nothing',
    run: async (scene) => {
      assert.deepEqual(await scene.first.forceRelease({ name: scene.name, by: 'x', lockDelayMs: 0 }), [])
      granted(await scene.first.acquire(scene.request('a', { lockDelayMs: LONG_MS })))
      assert.equal((await scene.first.forceRelease({ name: scene.name, by: 'x', lockDelayMs: 0 })).length, 1)
      granted(await scene.second.acquire(scene.request('b')))
    },
  },
  {
    title: 'amend() replaces what a holder tells of itself, and nothing else',
    run: async (scene) => {
      const { fence } = granted(await scene.first.acquire(scene.request('a', { weight: 2, capacity: 3 })))
      const [before] = (await scene.read()).holders
      assert.equal(await scene.second.amend({ name: scene.name, id: scene.id('a'), record: '{"value":{"deep":["}",1]}}' }), true)
      assert.equal(await scene.second.amend({ name: scene.name, id: scene.id('b'), record: '{}' }), false)
      const [after] = (await scene.read()).holders
      assert.deepEqual(after?.record, { value: { deep: ['}', 1] } })
      assert.deepEqual({ fence: after.fence, weight: after.weight, since: after.since }, { fence, weight: 2, since: before?.since })
      assert.ok(after.leftMs > LONG_MS / 2)
      assert.equal(granted(await scene.first.acquire(scene.request('a', { weight: 2, capacity: 3 }))).fence, fence)
      assert.equal(await scene.release('a'), 'released')
    },
  },
  {
    title: 'readResource() shows who holds and who waits, the oldest first',
    run: async (scene) => {
      assert.equal(await scene.first.readResource(scene.name), undefined)
      const share = { capacity: 3 }
      for (const member of ['b', 'a', 'c']) granted(await scene.first.acquire(scene.request(member, share)))
      for (const member of ['z', 'y']) busy(await scene.second.acquire(scene.waiting(member, { ...share, weight: member === 'z' ? 2 : 1 })))
      const { name, capacity, fence, holders, waiters, closedMs, last } = await scene.read()
      assert.deepEqual({ name, capacity, closedMs, last }, { name: scene.name, capacity: 3, closedMs: 0, last: '' })
      assert.deepEqual(holders.map(({ id }) => id), ['b', 'a', 'c'].map((member) => scene.id(member)))
      assert.deepEqual(waiters.map(({ id, weight }) => [id, weight]), [[scene.id('z'), 2], [scene.id('y'), 1]])
      assert.equal(holders[2]?.fence, fence)
      assert.deepEqual(holders[0]?.record, { host: 'h' })
      assert.ok(holders.every(({ leftMs, since }) => leftMs > LONG_MS / 2 && since > 1_000_000_000_000))
      assert.ok(waiters.every(({ leftMs }) => leftMs > LONG_MS / 2 && leftMs <= LONG_MS))
    },
  },
  {
    title: 'listResources() gives those of one kind that have a holder, a waiter or a lock delay, by name',
    run: async (scene) => {
      const names = ['held', 'closed', 'free'].map((what) => `${scene.name} ${what}`)
      const [held = '', closed = '', free = ''] = names
      const leader = held.replace('lock:', 'leader:')
      for (const name of [...names, leader]) granted(await scene.first.acquire(scene.request('a', { name, lockDelayMs: LONG_MS })))
      await scene.first.release({ name: closed, id: scene.id('a'), unclean: true })
      await scene.first.release({ name: free, id: scene.id('a') })
      const mine = (found: readonly { readonly name: string }[]) => found.map(({ name }) => name).filter((name) => [...names, leader].includes(name))
      assert.deepEqual(mine(await scene.second.listResources('lock')), [closed, held])
      assert.deepEqual(mine(await scene.second.listResources('leader')), [leader])
    },
  },
]
