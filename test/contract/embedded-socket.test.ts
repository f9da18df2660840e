import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { EmbeddedStore } from '#src/coordination/embedded/embedded-store.js'
import { openSharedStore, type SharedStoreOptions } from '#src/coordination/embedded/socket-client.js'
import { socketIdentity } from '#src/coordination/embedded/socket-path.js'
import { serveSocket } from '#src/coordination/embedded/socket-server.js'
import type { AcquireReply, AcquireRequest, BeatRequest, CoordinationStore, GroupSnapshot } from '#src/coordination/store.js'
import { until } from '../support/processes.js'
import { temporaryFolder } from '../support/temporary-folder.js'

/** A process that opens the store and does with it what it is told. */
const PEER = `
import { openSharedStore } from ${JSON.stringify(import.meta.resolve('#src/coordination/embedded/socket-client.js'))}
const [path, options] = process.argv.slice(2)
const tell = (message) => { if (process.connected) process.send(message) }
const log = { info: (text, fields) => tell({ log: text, fields }), warn: (text) => tell({ log: text }) }
const store = await openSharedStore(path, { log, ...JSON.parse(options) })
store.onWake((id) => tell({ wake: id }))
store.onGap(() => tell({ gap: true }))
process.on('message', async ({ call, method, args }) => {
  try { tell({ call, value: await store[method](...args) }) } catch (error) { tell({ call, code: error.code ?? String(error) }) }
})
process.on('disconnect', () => process.exit())
tell({ ready: true })
`

interface PeerMessage {
  readonly call?: number
  readonly value?: unknown
  readonly code?: string
  readonly wake?: string
  readonly gap?: true
  readonly ready?: true
  readonly log?: string
}

class Peer {
  readonly child: ChildProcess
  readonly heard: PeerMessage[] = []
  #calls = 0

  /** Ready only later; see `start`. */
  constructor(script: string, path: string, options: Partial<SharedStoreOptions>) {
    const shared = { clientName: 'peer', maxTtlMs: 2_000, mayServe: true, ...options }
    this.child = fork(script, [path, JSON.stringify(shared)], { serialization: 'advanced' })
    this.child.on('message', (message) => this.heard.push(message as PeerMessage))
  }

  static spawn(context: TestContext, path: string, options: Partial<SharedStoreOptions> = {}): Peer {
    const script = `${path}.mjs`
    if (!existsSync(script)) writeFileSync(script, PEER)
    const peer = new Peer(script, path, options)
    context.after(() => peer.kill())
    return peer
  }

  static async start(context: TestContext, path: string, options?: Partial<SharedStoreOptions>): Promise<Peer> {
    const peer = Peer.spawn(context, path, options)
    await peer.hears((message) => message.ready)
    return peer
  }

  get serves(): boolean {
    return this.heard.some(({ log }) => log?.includes('serves') ?? false)
  }

  async hears(what: (message: PeerMessage) => unknown): Promise<PeerMessage> {
    return until('a message of the peer', () => this.heard.find(what))
  }

  async ask(method: keyof CoordinationStore, ...args: unknown[]): Promise<unknown> {
    const call = ++this.#calls
    this.child.send({ call, method, args })
    const { code, value } = await this.hears((message) => message.call === call)
    if (code !== undefined) throw Object.assign(new Error(code), { code })
    return value
  }

  /** Resolves when the process is gone. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await gone
  }
}

function request(id: string, more: Partial<AcquireRequest> = {}): AcquireRequest {
  return { name: 'lock:a', id, weight: 1, capacity: 1, ttlMs: 2_000, lockDelayMs: 0, waitMs: 60_000, record: '{}', ...more }
}

function beat(member: string): BeatRequest {
  return { group: 'g', member, ttlMs: 60_000, record: undefined, keep: false }
}

async function acquire(peer: Peer, id: string, more?: Partial<AcquireRequest>): Promise<AcquireReply> {
  return await peer.ask('acquire', request(id, more)) as AcquireReply
}

async function open(context: TestContext, path: string, options: Partial<SharedStoreOptions> = {}) {
  const log = { info: () => {}, warn: () => {} }
  const store = await openSharedStore(path, { log, clientName: 'test', maxTtlMs: 2_000, mayServe: true, ...options })
  context.after(() => store.close())
  return store
}

function pathIn(context: TestContext): string {
  return join(temporaryFolder(context), 'c.sock')
}

/** Tells the acquire that was lost with its server from one that was refused. */
async function acquireWhenBack(peer: Peer, id: string): Promise<AcquireReply> {
  return until('an answer of the store', () => acquire(peer, id).catch((error: unknown) => {
    if (hasCode(error, 'COORDINATION_UNAVAILABLE')) return undefined
    throw error
  }))
}

describe('openSharedStore()', () => {
  test('serves where nobody does, with mode 0600, and removes the file at its end', async (context) => {
    const path = pathIn(context)
    const store = await open(context, path)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal((await store.acquire(request('a#1'))).status, 'granted')
    await store.release({ name: 'lock:a', id: 'a#1' })
    assert.deepEqual(await store.status(), { connected: true, quarantinedMs: 0, url: `embedded:${path}`, warnings: [] })
    await store.close()
    assert.deepEqual(readdirSync(join(path, '..')), [])
    await assert.rejects(store.listGroups(), (error) => hasCode(error, 'COORDINATION_UNAVAILABLE'))
  })

  test('leaves the file when a lease still counts, so that the next server waits for its end', async (context) => {
    const path = pathIn(context)
    const store = await open(context, path)
    await store.acquire(request('a#1'))
    await store.close()
    assert.ok(lstatSync(path).isSocket())
    const next = await open(context, path)
    assert.equal((await next.acquire(request('b#1'))).status, 'quarantined')
  })

  test('does not serve where it may not, or where something else is', async (context) => {
    const path = pathIn(context)
    const options = { mayServe: false, commandTimeoutMs: 50 }
    await assert.rejects(open(context, path, options), (error) => hasCode(error, 'COORDINATION_UNAVAILABLE'))
    writeFileSync(path, 'precious')
    await assert.rejects(open(context, path, { commandTimeoutMs: 50 }), (error) => hasCode(error, 'COORDINATION_UNAVAILABLE'))
    assert.deepEqual(readdirSync(join(path, '..')), ['c.sock'])
    await assert.rejects(open(context, `/tmp/${'x'.repeat(100)}`), (error) => hasCode(error, 'COORDINATION_URL_INVALID'))
  })

  test('drops clients that send garbage or too much, and goes on', async (context) => {
    const path = pathIn(context)
    const store = await open(context, path)
    for (const bytes of ['rubbish\n', '7\n', `{"call":1,"operation":"listGroups","body":"${'x'.repeat(70_000)}"}\n`, 'x'.repeat(70_000)]) {
      const socket = net.connect(path)
      socket.on('error', () => {})
      socket.write(bytes)
      socket.resume()
      await once(socket, 'close')
    }
    assert.deepEqual(await store.listGroups(), [])
  })

  test('goes on with a server that closes in order, without a quarantine', async (context) => {
    const path = pathIn(context)
    const first = await open(context, path)
    const second = await open(context, path)
    const gap = new Promise<void>((resolve) => second.onGap(resolve))
    await first.close()
    await gap
    assert.equal((await second.acquire(request('a#1'))).status, 'granted')
  })

  test('gives way when its path leads to somebody else', async (context) => {
    const path = pathIn(context)
    const first = await open(context, path)
    const gap = new Promise<void>((resolve) => first.onGap(resolve))
    await first.acquire(request('a#1'))
    const usurper = new EmbeddedStore()
    const server = await serveSocket(path, { store: usurper, replaces: socketIdentity(path), onDeposed: () => {} })
    context.after(() => server?.close())
    await gap
    await first.beat([beat('m')])
    assert.deepEqual(await usurper.listGroups(), ['g'])
  })
})

describe('embedded:/PATH.sock, between processes,', () => {
  test('releases at once what a process held that was killed, and wakes who waits', async (context) => {
    const path = pathIn(context)
    const server = await Peer.start(context, path)
    const holder = await Peer.start(context, path)
    const waiter = await Peer.start(context, path)
    const held = await acquire(holder, 'h#1', { ttlMs: 2_000 })
    assert.equal((await acquire(waiter, 'w#1')).status, 'busy')
    const killedAt = performance.now()
    await holder.kill()
    await waiter.hears(({ wake }) => wake === 'w#1')
    assert.ok(performance.now() - killedAt < 1_500, 'long before the lease would have ended')
    const granted = await acquire(waiter, 'w#1')
    assert.ok(held.status === 'granted' && granted.status === 'granted' && granted.fence > held.fence)
    assert.ok(server.serves && !holder.serves && !waiter.serves)
  })

  test('does not release what a process holds that stands still, until the lease ends', async (context) => {
    const path = pathIn(context)
    const waiter = await Peer.start(context, path)
    const holder = await Peer.start(context, path)
    const before = performance.now()
    await acquire(holder, 'h#1', { ttlMs: 700 })
    holder.child.kill('SIGSTOP')
    assert.equal((await acquire(waiter, 'w#1')).status, 'busy')
    await waiter.hears(({ wake }) => wake === 'w#1')
    assert.ok(performance.now() - before >= 699)
  })

  test('has another server after the first was killed, which grants nothing while leases may count', async (context) => {
    const path = pathIn(context)
    const server = await Peer.start(context, path)
    const others = [await Peer.start(context, path), await Peer.start(context, path), await Peer.start(context, path, { mayServe: false })]
    const [one, other, worker] = others as [Peer, Peer, Peer]
    const held = await acquire(other, 'o#1')
    await server.kill()
    await Promise.all(others.map((peer) => peer.hears(({ gap }) => gap)))
    const reply = await acquireWhenBack(one, 'n#1')
    assert.ok(reply.status === 'quarantined' && reply.leftMs > 1_000, JSON.stringify(reply, (_, value: unknown) => typeof value === 'bigint' ? String(value) : value))
    assert.equal(others.filter((peer) => peer.serves).length, 1)
    assert.equal(worker.serves, false)
    const granted = await until('the end of the quarantine', async () => {
      const again = await acquireWhenBack(worker, 'n#1')
      return again.status === 'granted' && again
    })
    assert.ok(held.status === 'granted' && granted.fence > held.fence)
  })

  for (const beginning of ['none', 'a dead server’s file'] as const) {
    test(`has one server when several race for it, from ${beginning}`, async (context) => {
      const path = pathIn(context)
      if (beginning !== 'none') {
        const dead = await Peer.start(context, path)
        await dead.kill()
      }
      const peers = Array.from({ length: 4 }, () => Peer.spawn(context, path, { maxTtlMs: 250 }))
      await Promise.all(peers.map((peer) => peer.hears(({ ready }) => ready)))
      const ask = (peer: Peer, ...call: [keyof CoordinationStore, unknown]) => peer.ask(...call).catch(() => undefined)
      // One that had served for a moment has forgotten who beat there: all beat until all see all.
      await until('all of them in one store', async () => {
        await Promise.all(peers.map((peer, n) => ask(peer, 'beat', [beat(`m${n}`)])))
        const groups = await Promise.all(peers.map((peer) => ask(peer, 'readGroup', 'g'))) as (GroupSnapshot | undefined)[]
        return groups.every((group) => group?.members.length === peers.length)
      })
      assert.equal(readdirSync(join(path, '..')).filter((file) => file.startsWith('c.sock') && !file.endsWith('.mjs')).length, 1)
    })
  }
})

describe('openSharedStore() many times at once in one process', () => {
  for (const stale of [false, true]) {
    test(stale ? 'replaces a dead server’s file by one server' : 'makes one server', async (context) => {
      for (let round = 0; round < 15; round++) {
        const path = `${pathIn(context)}${round}`
        if (stale) {
          const before = await openSharedStore(path, { log: { info: () => {}, warn: () => {} }, clientName: 'before', maxTtlMs: 250, mayServe: true })
          await before.acquire(request('x#1', { ttlMs: 250 }))
          await before.close()
        }
        let servers = 0
        const log = { info: (text: string) => { if (text.includes('serves')) servers++ }, warn: () => {} }
        const stores = await Promise.all(Array.from({ length: 6 }, (_, n) => openSharedStore(path, { log, clientName: `c${n}`, maxTtlMs: 250, mayServe: true })))
        try {
          await until('all of them in one store', async () => {
            await Promise.allSettled(stores.map((store, n) => store.beat([beat(`c${n}`)])))
            const groups = await Promise.all(stores.map((store) => store.readGroup('g').catch(() => undefined)))
            return groups.every((group) => group?.members.length === stores.length)
          })
          assert.ok(servers >= 1)
        } finally {
          for (const store of stores) await store.close()
        }
      }
    })
  }
})
