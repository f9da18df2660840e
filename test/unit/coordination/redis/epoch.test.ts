import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideQuarantineMs, EpochGate, type EpochHistory, type EpochServer } from '#src/coordination/redis/epoch.js'
import { toServerFacts, type ServerFacts } from '#src/coordination/redis/server-checks.js'

const MAX = 15_000
const facts = { uptimeMs: 3_600_000, flushed: false, promoted: false, writesThrough: false }
const first: EpochHistory = { history: 'none', seen: false, replicated: false, maxTtlMs: MAX }

const QUARANTINES: readonly (readonly [what: string, facts: Partial<typeof facts>, history: Partial<EpochHistory>, ms: number])[] = [
  ['the same server', {}, { history: 'this', seen: true }, 0],
  ['the same server, flushed earlier', { flushed: true }, { history: 'this' }, 0],
  ['a restarted server', { uptimeMs: 0 }, { history: 'other', seen: true }, MAX],
  ['another server, up for long', {}, { history: 'other' }, MAX],
  ['a restarted server that writes through', { uptimeMs: 0, writesThrough: true }, { history: 'other' }, 0],
  ['a promoted server that writes through', { writesThrough: true, promoted: true }, { history: 'other' }, MAX],
  ['a server behind Sentinel that writes through', { writesThrough: true }, { history: 'other', replicated: true }, MAX],
  ['the first client of a server up for long', {}, {}, 0],
  ['the first client of a server just started', { uptimeMs: 4_000 }, {}, 11_000],
  ['the first client after a flush', { flushed: true }, {}, MAX],
  ['the first client of a promoted server', { promoted: true }, {}, MAX],
  ['a key that this process has seen', {}, { seen: true }, MAX],
]

test('decideQuarantineMs() waits whenever a lease may have been forgotten', () => {
  for (const [what, own, history, ms] of QUARANTINES) assert.equal(decideQuarantineMs({ ...facts, ...own }, { ...first, ...history }), ms, what)
  assert.equal(decideQuarantineMs({ ...facts, uptimeMs: undefined }, first), MAX, 'the uptime is not told')
})

/** A server with one key, which counts how often it was asked. */
class OneKeyServer implements EpochServer {
  value: string | null = null
  runId = 'run1'
  asked = 0
  hold: Promise<void> = Promise.resolve()
  beforeWrite: () => void = () => undefined

  async facts(): Promise<ServerFacts> {
    this.asked++
    await this.hold
    return toServerFacts(new Map([['run_id', this.runId], ['uptime_in_seconds', '3600'], ['role', 'master']]), undefined)
  }

  async read(): Promise<string | null> {
    return this.value
  }

  async write(runId: string, quarantineMs: number): Promise<{ value: string; until: number }> {
    this.beforeWrite()
    this.beforeWrite = () => undefined
    const known = this.value?.startsWith(`${runId} `) && quarantineMs === 0
    this.value = known && this.value !== null ? this.value : `${runId} ${quarantineMs === 0 ? 0 : 1_000 + quarantineMs}`
    return { value: this.value, until: Number(this.value.split(' ')[1]) }
  }
}

test('EpochGate opens with a verification and closes with the connection', async () => {
  const server = new OneKeyServer()
  const gate = new EpochGate(server, { maxTtlMs: MAX, replicated: false }, () => assert.fail('nothing to quarantine'))
  assert.equal(gate.epoch, undefined)
  await gate.verify()
  assert.deepEqual(gate.epoch, { value: 'run1 0', until: 0 })
  gate.close()
  assert.equal(gate.epoch, undefined)
  await gate.verify()
  assert.deepEqual(gate.epoch, { value: 'run1 0', until: 0 })
})

test('EpochGate quarantines another run, and a key that vanished', async () => {
  const server = new OneKeyServer()
  const told: number[] = []
  const gate = new EpochGate(server, { maxTtlMs: MAX, replicated: false }, (ms) => told.push(ms))
  await gate.verify()
  server.runId = 'run2'
  await gate.verify()
  assert.deepEqual([gate.epoch, told], [{ value: 'run2 16000', until: 16_000 }, [MAX]])
  server.value = null
  await gate.verify()
  assert.equal(told.length, 2)
  server.value = 'run2 0 since 1'
  server.beforeWrite = () => { server.value = null }
  await gate.verify()
  assert.equal(gate.epoch?.until, 16_000, 'flushed between reading and writing')
})

test('EpochGate verifies once for all who ask at a time', async () => {
  const server = new OneKeyServer()
  const gate = new EpochGate(server, { maxTtlMs: MAX, replicated: false }, () => undefined)
  await Promise.all([gate.verify(), gate.verify(), gate.verify()])
  assert.equal(server.asked, 1)
  await gate.verify()
  assert.equal(server.asked, 2)
})

test('EpochGate stays closed when the connection is lost during a verification', async () => {
  const server = new OneKeyServer()
  const gate = new EpochGate(server, { maxTtlMs: MAX, replicated: false }, () => undefined)
  let go: () => void = () => undefined
  server.hold = new Promise((resolve) => { go = resolve })
  const verification = gate.verify()
  gate.close()
  go()
  await assert.rejects(verification, { code: 'COORDINATION_UNAVAILABLE' })
  assert.equal(gate.epoch, undefined)
})
