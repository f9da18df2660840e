import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { ServiceContext } from 'reeve'
import { getCoordinator } from 'reeve/coordination'
import type { Coordinator } from 'reeve/coordination'
import { TaskPool } from 'reeve/queue'
import createVolumeService, { options } from '#src/examples/volume/service.js'
import { until } from '../../../support/processes.js'

let directory: string
let loops: Map<string, (signal: AbortSignal) => unknown>
let logged: Record<string, unknown>[]
let coordinator: Coordinator
const stopping = new AbortController()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'volume-service-'))
  loops = new Map()
  logged = []
  coordinator = await getCoordinator('embedded:', 'h/volume/0')
})
afterEach(async () => {
  await coordinator.stop()
  await rm(directory, { recursive: true })
})

test('start() without a socket named http says how to give one', async () => {
  const service = await createVolumeService(contextWith({ other: { port: 0 } }))
  await assert.rejects(async () => { await service.start() }, { code: 'VOLUME_SOCKET_MISSING', message: /--listen http=tcp:\/\/127\.0\.0\.1:8080: it has other$/ })
})

test('start() with a data directory that cannot be used fails before it listens', async () => {
  await writeFile(join(directory, 'data'), '')
  const service = await createVolumeService(contextWith({ http: { port: 0, host: '127.0.0.1' } }))
  await assert.rejects(async () => { await service.start() }, { code: 'VOLUME_DIRECTORY_UNUSABLE' })
})

test('start() makes the data directory, listens and adds its loops; stop() closes', async () => {
  const service = await createVolumeService(contextWith({ http: { port: 0, host: '127.0.0.1', url: 'tcp://127.0.0.1:0' } }))
  await service.start()
  assert.deepEqual(await readdir(directory), ['data'])
  assert.deepEqual([...loops.keys()], ['scrub'])
  assert.deepEqual(await coordinator.groups(), ['volume'])
  for (const loop of loops.values()) await loop(new AbortController().signal)
  await until('a sweeper', () => logged.length === 2)
  assert.deepEqual(logged[0], { message: 'volume.listening', url: 'tcp://127.0.0.1:0', directory: join(directory, 'data') })
  assert.equal(logged[1]?.['message'], 'volume.sweeper')
  stopping.abort()
  await service.stop?.()
  await service.stop?.()
})

test('options have a help text and a default each', () => {
  for (const option of Object.values(options.volume)) {
    assert.ok(option.help.endsWith('.'))
    assert.ok('default' in option || 'defaultMs' in option || 'defaultBytes' in option)
  }
})

/** What a worker would hand in; a plain object of listen() stands for the launcher's socket. */
function contextWith(sockets: Record<string, unknown>): ServiceContext {
  const volume = { dataDir: join(directory, 'data'), maxVolumeSizeBytes: 1e6, idleTimeoutMs: 1_000, flattenRateBytes: 0, scrubIntervalMs: 1_000 }
  return {
    workerId: 0,
    workers: 1,
    sockets,
    coordinator,
    pool: new TaskPool(),
    signal: stopping.signal,
    config: { of: () => ({ volume }) },
    log: { info: (message: string, fields: object) => void logged.push({ message, ...fields }) },
    timers: { add: (name: string, fn: (signal: AbortSignal) => unknown) => void loops.set(name, fn) },
  } as unknown as ServiceContext
}
