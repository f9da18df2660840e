import assert from 'node:assert/strict'
import { busy, granted, LONG_MS, SHORT_MS, type Case, type Scene } from './scene.js'

/** What those who wait may rely on: their order, who gets in together, who is woken. */
export const queueCases: readonly Case[] = [
  {
    title: 'acquire() queues in the order of asking, and grants in that order',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      const positions: number[] = []
      for (const member of ['x', 'c', 'b']) positions.push(busy(await scene.second.acquire(scene.waiting(member))).position)
      assert.deepEqual(positions, [0, 1, 2])
      assert.equal(busy(await scene.second.acquire(scene.waiting('b'))).queued, 3)
      await scene.release('a')
      busy(await scene.second.acquire(scene.waiting('b')))
      busy(await scene.second.acquire(scene.waiting('c')))
      granted(await scene.second.acquire(scene.waiting('x')))
      assert.deepEqual(await scene.waiters(), [scene.id('c'), scene.id('b')])
    },
  },
  {
    title: 'acquire() that does not queue never overtakes one that does',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      busy(await scene.first.acquire(scene.waiting('w')))
      await scene.release('a')
      const { position, queued } = busy(await scene.second.acquire(scene.request('hasty')))
      assert.deepEqual({ position, queued }, { position: -1, queued: 1 })
      granted(await scene.first.acquire(scene.waiting('w')))
    },
  },
  {
    title: 'acquire() that is repeated keeps its place',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      for (const member of ['b', 'c', 'b', 'c']) busy(await scene.first.acquire(scene.waiting(member)))
      assert.equal(busy(await scene.first.acquire(scene.waiting('b'))).position, 0)
      assert.equal(busy(await scene.first.acquire(scene.waiting('c'))).position, 1)
    },
  },
  {
    title: 'a waiter that asks no more does not hold up the others, and one that asks stays',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      busy(await scene.first.acquire(scene.waiting('dead', { waitMs: SHORT_MS })))
      busy(await scene.first.acquire(scene.waiting('alive', { waitMs: SHORT_MS })))
      busy(await scene.first.acquire(scene.waiting('alive')))
      await scene.release('a')
      busy(await scene.second.acquire(scene.request('hasty')))
      await scene.advance(SHORT_MS)
      granted(await scene.first.acquire(scene.waiting('alive')))
      assert.deepEqual(await scene.waiters(), [])
    },
  },
  {
    title: 'many dead waiters cost no more time than one',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      for (let index = 0; index < 300; index++) busy(await scene.first.acquire(scene.waiting(`dead${index}`, { waitMs: SHORT_MS })))
      busy(await scene.first.acquire(scene.waiting('alive')))
      await scene.release('a')
      await scene.advance(SHORT_MS)
      // Stores may clear so many at a time.
      for (let turn = 0; turn < 10 && (await scene.first.acquire(scene.waiting('alive'))).status !== 'granted'; turn++);
      assert.deepEqual(await scene.holders(), [scene.id('alive')])
    },
  },
  {
    title: 'release() of a waiter leaves the queue and nothing else',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      for (const member of ['b', 'c']) busy(await scene.first.acquire(scene.waiting(member)))
      assert.equal(await scene.release('b'), 'left')
      assert.equal(await scene.release('b'), 'gone')
      assert.deepEqual(await scene.waiters(), [scene.id('c')])
      assert.deepEqual(await scene.holders(), [scene.id('a')])
      await scene.release('a')
      granted(await scene.first.acquire(scene.waiting('c')))
    },
  },
  {
    title: 'acquire() says when it is held or awaited with another capacity, and queues nobody',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a', { capacity: 3 })))
      assert.deepEqual(await scene.second.acquire(scene.waiting('b', { capacity: 4 })), { status: 'mismatch', capacity: 3 })
      busy(await scene.first.acquire(scene.waiting('c', { capacity: 3, weight: 3 })))
      await scene.release('a')
      assert.deepEqual(await scene.second.acquire(scene.request('b', { capacity: 4 })), { status: 'mismatch', capacity: 3 })
      assert.deepEqual(await scene.waiters(), [scene.id('c')])
      assert.equal(await scene.release('c'), 'left')
      granted(await scene.second.acquire(scene.request('b', { capacity: 4 })))
    },
  },
  {
    title: 'a semaphore grants as much as there is, and a big request is not overtaken by small ones',
    run: async (scene) => {
      const of = (weight: number) => ({ capacity: 4, weight })
      granted(await scene.first.acquire(scene.request('a', of(2))))
      granted(await scene.first.acquire(scene.request('b', of(1))))
      busy(await scene.first.acquire(scene.waiting('big', of(3))))
      busy(await scene.first.acquire(scene.waiting('small', of(1))))
      busy(await scene.first.acquire(scene.request('hasty', of(1))))
      await scene.release('b')
      busy(await scene.first.acquire(scene.waiting('big', of(3))))
      await scene.release('a')
      granted(await scene.first.acquire(scene.waiting('big', of(3))))
      granted(await scene.first.acquire(scene.waiting('small', of(1))))
    },
  },
  {
    title: 'a queued writer is not overtaken by readers, and readers get in together',
    run: async (scene) => {
      const WRITER = { capacity: 1_000, weight: 1_000 }
      const READER = { capacity: 1_000, weight: 1 }
      granted(await scene.first.acquire(scene.request('r1', READER)))
      granted(await scene.first.acquire(scene.waiting('r2', READER)))
      busy(await scene.first.acquire(scene.waiting('w', WRITER)))
      busy(await scene.first.acquire(scene.waiting('r3', READER)))
      busy(await scene.first.acquire(scene.waiting('r4', READER)))
      for (const member of ['r1', 'r2']) await scene.release(member)
      busy(await scene.first.acquire(scene.waiting('r3', READER)))
      granted(await scene.first.acquire(scene.waiting('w', WRITER)))
      await scene.release('w')
      for (const member of ['r3', 'r4']) granted(await scene.first.acquire(scene.waiting(member, READER)))
    },
  },
  {
    title: 'release() wakes the head of the queue at the client that waits, and nobody else',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      busy(await scene.second.acquire(scene.waiting('b')))
      busy(await scene.first.acquire(scene.waiting('c')))
      await scene.release('a')
      await scene.eventually('the head is woken', () => scene.woken.second.length > 0)
      granted(await scene.second.acquire(scene.waiting('b')))
      assert.deepEqual(scene.woken, { first: [], second: [scene.id('b')] })
      assert.equal(await scene.second.release({ name: scene.name, id: scene.id('b') }), 'released')
      await scene.eventually('the next is woken', () => scene.woken.first.length > 0)
      assert.deepEqual(scene.woken, { first: [scene.id('c')], second: [scene.id('b')] })
    },
  },
  {
    title: 'all readers at the head are woken, the writer behind them is not',
    run: async (scene) => {
      const of = (weight: number) => ({ capacity: 10, weight })
      granted(await scene.first.acquire(scene.request('w1', of(10))))
      for (const member of ['r1', 'r2']) busy(await scene.second.acquire(scene.waiting(member, of(1))))
      busy(await scene.second.acquire(scene.waiting('w2', of(10))))
      await scene.release('w1')
      await retryWoken(scene, of)
      assert.deepEqual(await scene.holders(), [scene.id('r1'), scene.id('r2')])
      assert.deepEqual([...new Set(scene.woken.second)], [scene.id('r1'), scene.id('r2')])
    },
  },
  {
    title: 'a waiter that goes away wakes the one whose way it was in',
    run: async (scene) => {
      const of = (weight: number) => ({ capacity: 4, weight })
      granted(await scene.first.acquire(scene.request('a', of(2))))
      busy(await scene.first.acquire(scene.waiting('big', of(3))))
      busy(await scene.second.acquire(scene.waiting('small', of(1))))
      assert.equal(await scene.release('big'), 'left')
      await scene.eventually('the small one is woken', () => scene.woken.second.includes(scene.id('small')))
      granted(await scene.second.acquire(scene.waiting('small', of(1))))
    },
  },
  {
    title: 'nobody is woken while the resource is closed or still full',
    run: async (scene) => {
      const share = { capacity: 2, lockDelayMs: LONG_MS }
      for (const member of ['a', 'b']) granted(await scene.first.acquire(scene.request(member, share)))
      busy(await scene.second.acquire(scene.waiting('both', { ...share, weight: 2 })))
      await scene.release('a')
      await scene.release('b', { unclean: true })
      // What would have been sent has overtaken nothing: the next message comes after it.
      const { name } = scene.request('other', { name: `${scene.name} other` })
      granted(await scene.first.acquire(scene.request('c', { name })))
      busy(await scene.second.acquire(scene.waiting('d', { name })))
      await scene.first.release({ name, id: scene.id('c') })
      await scene.eventually('the other is woken', () => scene.woken.second.length > 0)
      assert.deepEqual(scene.woken.second, [scene.id('d')])
    },
  },
  {
    title: 'release() to a member puts its oldest request at the head',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      busy(await scene.first.acquire(scene.waiting('b')))
      // What is before the last # is the member.
      const [older, newer] = [`h/worker#1#x.${scene.name}.1`, `h/worker#1#x.${scene.name}.2`] as const
      for (const id of [older, newer]) busy(await scene.second.acquire({ ...scene.waiting('-'), id }))
      assert.equal(await scene.release('a', { to: 'h/worker#1' }), 'released')
      assert.deepEqual(await scene.waiters(), [older, scene.id('b'), newer])
      busy(await scene.first.acquire(scene.waiting('b')))
      granted(await scene.second.acquire({ ...scene.waiting('-'), id: older }))
      await scene.eventually('it is woken', () => scene.woken.second.includes(older))
    },
  },
  {
    title: 'release() to a member that does not wait gives it back all the same, but with onlyTo does nothing',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      busy(await scene.first.acquire(scene.waiting('b')))
      assert.equal(await scene.release('a', { to: 'absent', onlyTo: true }), 'kept')
      assert.deepEqual([await scene.holders(), await scene.waiters()], [[scene.id('a')], [scene.id('b')]])
      assert.equal(await scene.release('a', { to: 'absent' }), 'released')
      granted(await scene.first.acquire(scene.waiting('b')))
      busy(await scene.first.acquire(scene.waiting('c')))
      assert.equal(await scene.release('b', { to: 'c', onlyTo: true }), 'released')
      granted(await scene.first.acquire(scene.waiting('c')))
      assert.equal(await scene.release('b', { to: 'c', onlyTo: true }), 'gone')
    },
  },
  {
    title: 'forceRelease() with no delay wakes the head',
    run: async (scene) => {
      granted(await scene.first.acquire(scene.request('a')))
      busy(await scene.second.acquire(scene.waiting('b')))
      await scene.first.forceRelease({ name: scene.name, by: 'x', lockDelayMs: 0 })
      await scene.eventually('the head is woken', () => scene.woken.second.includes(scene.id('b')))
      granted(await scene.second.acquire(scene.waiting('b')))
    },
  },
]

/** What clients do: whoever is woken asks again. Until two have got it. */
async function retryWoken(scene: Scene, of: (weight: number) => { readonly capacity: number; readonly weight: number }): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    const woken = (): string | undefined => [...new Set(scene.woken.second)][turn]
    await scene.eventually('another is woken', () => woken() !== undefined)
    granted(await scene.second.acquire({ ...scene.waiting('-', of(1)), id: woken() ?? '' }))
  }
}
