import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { batches } from '#src/coordination/embedded/batches.js'
import type { Channel } from '#src/coordination/embedded/channel.js'
import { ChannelStore } from '#src/coordination/embedded/channel-client.js'
import { serveChannel } from '#src/coordination/embedded/channel-server.js'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import type { AcquireRequest } from '#src/coordination/store.js'

/** One end of a channel within this process; what is sent goes through JSON. */
class End implements Channel {
  peer: End | undefined
  readonly #hear = new Set<(message: unknown) => void>()
  readonly #closed = new Set<(closedBy: 'other end' | 'this end') => void>()

  send(message: object): void {
    const text = JSON.stringify(message)
    const { peer } = this
    if (peer) queueMicrotask(() => peer.#hear.forEach((hear) => hear(JSON.parse(text))))
  }

  onMessage(listener: (message: unknown) => void): void { this.#hear.add(listener) }
  onClose(listener: (closedBy: 'other end' | 'this end') => void): void { this.#closed.add(listener) }

  close(): void {
    this.#end('this end')
  }

  #end(closedBy: 'other end' | 'this end'): void {
    const { peer } = this
    this.peer = undefined
    for (const closed of this.#closed) closed(closedBy)
    if (peer) peer.#end('other end')
  }
}

function pair(): [End, End] {
  const [one, other] = [new End(), new End()]
  one.peer = other
  other.peer = one
  return [one, other]
}

function open(context: TestContext, maxTtlMs = 60_000) {
  const server = new EmbeddedStore({ maxTtlMs })
  context.after(() => server.close())
  const connect = () => {
    const [near, far] = pair()
    serveChannel(server, far, 'client')
    return near
  }
  const channel = connect()
  return { server, channel, connect, store: new ChannelStore(channel, { url: 'embedded:', commandTimeoutMs: 5_000 }) }
}

function request(id: string, more: Partial<AcquireRequest> = {}): AcquireRequest {
  return { name: 'lock:a', id, weight: 1, capacity: 1, ttlMs: 30_000, lockDelayMs: 0, waitMs: 10_000, record: '{"pid":1}', ...more }
}

const unavailable = (error: unknown) => hasCode(error, 'COORDINATION_UNAVAILABLE')
const refused = (error: unknown) => hasCode(error, 'COORDINATION_REFUSED')

describe('ChannelStore', () => {
  test('does for leases what the store does', async (context) => {
    const { store, server } = open(context)
    const reply = await store.acquire(request('a#1'))
    assert.ok(reply.status === 'granted')
    assert.equal(typeof reply.fence, 'bigint')
    const queued = await store.acquire(request('b#1'))
    assert.deepEqual({ ...queued, retryMs: 0 }, { status: 'busy', position: 0, queued: 1, retryMs: 0 })
    assert.equal(await store.amend({ name: 'lock:a', id: 'a#1', record: '{"pid":2}' }), true)
    const [extended] = await store.extend([{ name: 'lock:a', id: 'a#1', ttlMs: 60_000 }])
    assert.ok(extended && extended.leftMs > 50_000)
    const seen = await store.readResource('lock:a')
    const there = await server.readResource('lock:a')
    assert.deepEqual([seen?.fence, seen?.holders[0]?.fence, seen?.holders[0]?.record], [there?.fence, reply.fence, { pid: 2 }])
    assert.deepEqual((await store.listResources('lock')).map(({ name }) => name), ['lock:a'])
    const [forced] = await store.forceRelease({ name: 'lock:a', by: 'operator', lockDelayMs: 0 })
    assert.equal(forced?.fence, reply.fence)
    assert.equal(await store.release({ name: 'lock:a', id: 'b#1' }), 'left')
    assert.equal(await store.readResource('lock:none'), undefined)
  })

  test('does for groups what the store does', async (context) => {
    const { store, server } = open(context)
    const beat = { group: 'g', member: 'm', ttlMs: 30_000, record: '{"n":1}', keep: false }
    assert.deepEqual(await store.beat([beat]), [{ version: 1, joined: true, holding: false }])
    assert.equal(await store.mark({ group: 'g', member: 'm', mark: '{"x":1}' }), true)
    assert.equal(await store.mark({ group: 'g', member: 'm', mark: null }), true)
    const [seen, there] = [await store.readGroup('g'), await server.readGroup('g')]
    assert.deepEqual([seen.version, seen.members.map((member) => ({ ...member, leftMs: 0 }))], [there.version, there.members.map((member) => ({ ...member, leftMs: 0 }))])
    assert.equal(await store.groupVersion('g'), 3)
    assert.deepEqual(await store.listGroups(), ['g'])
    assert.equal(await store.deleteGroup('g'), 'not empty')
    assert.equal(await store.leave({ group: 'g', member: 'm' }), true)
    assert.equal(await store.deleteGroup('g'), 'deleted')
    assert.deepEqual(await store.status(), { connected: true, quarantinedMs: 0, url: 'embedded:', warnings: [] })
  })

  test('hears wakes and topics, a topic once for each listener until it unsubscribes', async (context) => {
    const { store, server } = open(context)
    const woken = new Promise((resolve) => store.onWake(resolve))
    await server.acquire(request('a#1'))
    await store.acquire(request('b#1'))
    await server.release({ name: 'lock:a', id: 'a#1' })
    assert.equal(await woken, 'b#1')
    const told: string[] = []
    const [endOne] = await Promise.all([store.subscribe('group:g', () => told.push('one')), store.subscribe('group:g', () => told.push('other'))])
    const beat = (member: string) => store.beat([{ group: 'g', member, ttlMs: 30_000, record: undefined, keep: false }])
    await beat('m')
    await store.groupVersion('g')
    assert.deepEqual(told, ['one', 'other'])
    endOne()
    await beat('n')
    await store.groupVersion('g')
    assert.deepEqual(told, ['one', 'other', 'other'])
  })

  test('sends a long list in parts and puts the answers together', async (context) => {
    const { store } = open(context)
    const requests = Array.from({ length: 2_000 }, (_, n) => ({ name: `lock:${n}`, id: `a#${n}`, ttlMs: 30_000 }))
    await Promise.all(requests.filter((_, n) => n % 2 === 0).map((each) => store.acquire({ ...request(each.id), name: each.name })))
    const replies = await store.extend(requests)
    assert.deepEqual(replies.map(({ leftMs }) => leftMs > 0), requests.map((_, n) => n % 2 === 0))
    assert.deepEqual(await store.extend([]), [])
  })

  test('rejects what is not answered in time', async () => {
    const [near] = pair()
    const store = new ChannelStore(near, { url: 'embedded:', commandTimeoutMs: 20 })
    await assert.rejects(store.acquire(request('a#1')), unavailable)
    assert.equal((await store.status()).connected, false)
    await store.close()
  })

  test('rejects what is pending, and everything later, when the channel closes', async (context) => {
    const { store, channel } = open(context)
    const pending = store.acquire(request('a#1'))
    channel.close()
    await assert.rejects(pending, unavailable)
    await assert.rejects(store.groupVersion('g'), unavailable)
    await assert.rejects(store.subscribe('group:g', () => {}), unavailable)
  })

  test('attach() goes on over another channel: topics are heard, and the gap is told afterwards', async (context) => {
    const { store, server, channel, connect } = open(context)
    let [told, gaps] = [0, 0]
    await store.subscribe('group:g', () => told++)
    store.onGap(() => gaps++)
    channel.close()
    assert.deepEqual(await store.attach(connect()), { store: server.id })
    assert.equal(gaps, 1)
    await store.beat([{ group: 'g', member: 'm', ttlMs: 30_000, record: undefined, keep: false }])
    await store.groupVersion('g')
    assert.equal(told, 1)
  })
})

describe('serveChannel()', () => {
  test('takes the end of the channel for the death of the client', async (context) => {
    const { store, server, channel } = open(context)
    await store.acquire(request('a#1', { lockDelayMs: 5_000 }))
    channel.close()
    const resource = await server.readResource('lock:a')
    assert.equal(resource?.holders.length, 0)
    assert.match(resource?.last ?? '', /^died a#1/)
  })

  const wrong: readonly [string, (store: ChannelStore) => Promise<unknown>][] = [
    ['a name without its kind', (store) => store.acquire(request('a#1', { name: 'a' }))],
    ['a name that is too long', (store) => store.acquire(request('a#1', { name: `lock:${'x'.repeat(513)}` }))],
    ['an empty name', (store) => store.acquire(request('a#1', { name: 'lock:' }))],
    ['a weight above the capacity', (store) => store.acquire(request('a#1', { weight: 2 }))],
    ['a weight of 0', (store) => store.acquire(request('a#1', { weight: 0 }))],
    ['a ttl above the longest', (store) => store.acquire(request('a#1', { ttlMs: 60_001 }))],
    ['a ttl that is no integer', (store) => store.acquire(request('a#1', { ttlMs: Number.NaN }))],
    ['a negative wait', (store) => store.acquire(request('a#1', { waitMs: -1 }))],
    ['an id that is too long', (store) => store.acquire(request('x'.repeat(641)))],
    ['a record that is too long', (store) => store.acquire(request('a#1', { record: `{"x":"${'x'.repeat(32_768)}"}` }))],
    ['a record that is no object', (store) => store.amend({ name: 'lock:a', id: 'a#1', record: '1' })],
    ['a group with control characters', (store) => store.readGroup('a\nb')],
    ['a topic of another kind', (store) => store.subscribe('lock:a', () => {})],
  ]
  for (const [what, ask] of wrong) {
    test(`refuses ${what} and goes on serving`, async (context) => {
      const { store, server } = open(context)
      await assert.rejects(ask(store), refused)
      assert.equal(server.requests, 0)
      assert.equal((await store.status()).connected, true)
    })
  }

  test('refuses what is no operation, and does not answer what is no call', async (context) => {
    const { channel } = open(context)
    const answers: unknown[] = []
    channel.onMessage((answer) => answers.push(answer))
    const garbage: unknown[] = [{}, [], { call: 'x' }, { call: 1 }, { call: 2, operation: 'constructor' }, { call: 3, operation: 'acquire', body: 7 }, { call: 4, operation: 'extend', body: [null] }]
    for (const message of garbage) channel.send(message as object)
    channel.send({ call: 5, operation: 'listGroups' })
    await new Promise(setImmediate)
    assert.deepEqual(answers.map((answer) => (answer as { failure?: number }).failure).sort(), [1, 2, 3, 4, undefined])
    assert.deepEqual(answers.find((answer) => (answer as { answer?: number }).answer === 5), { answer: 5, value: [] })
  })
})

test('batches() keeps the order and leaves nothing out', () => {
  const requests = Array.from({ length: 1_000 }, (_, n) => ({ n, record: 'x'.repeat(n % 500) }))
  const parts = batches(requests)
  assert.ok(parts.length > 1)
  assert.deepEqual(parts.flat(), requests)
  assert.ok(parts.every((part) => JSON.stringify(part).length <= 60_002))
  assert.deepEqual(batches([]), [])
})
