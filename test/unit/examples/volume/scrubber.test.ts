import assert from 'node:assert/strict'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { Scrubber } from '#src/examples/volume/scrubber.js'
import type { ScrubberOptions } from '#src/examples/volume/scrubber.js'
import { VolumeStore } from '#src/examples/volume/volume-store.js'

let store: VolumeStore
let logged: string[]
const { signal } = new AbortController()

beforeEach(async () => {
  store = await VolumeStore.open(await mkdtemp(join(tmpdir(), 'volume-scrub-')))
  logged = []
})
afterEach(async () => { await rm(store.directory, { recursive: true }) })

test('Scrubber.scrubNext() reports rot, marks it for all, and takes the mark away from what is whole again', async () => {
  await store.put('a', body('hello'))
  const scrubber = scrubberOf()
  await scrubber.scrubNext(signal)
  assert.deepEqual(logged, [])
  await overwrite('a', 'j')
  await scrubber.scrubNext(signal)
  assert.deepEqual(logged, ['volume.rot a'])
  assert.equal((await store.entries(['a']))[0]?.rotten, true)
  await overwrite('a', 'h')
  await scrubber.scrubNext(signal)
  assert.deepEqual(logged, ['volume.rot a', 'volume.healed a'])
  assert.equal((await store.entries(['a']))[0]?.rotten, false)
})

test('Scrubber marks the bytes it read, not an upload that has taken their name since', async () => {
  await store.put('a', body('hello'))
  await overwrite('a', 'j')
  const volume = await store.open('a')
  const finding = await volume?.verify(signal)
  await store.put('a', body('new'))
  await volume?.mark(finding?.rotten ?? false)
  await volume?.close()
  assert.equal(finding?.rotten, true)
  assert.equal((await store.entries(['a']))[0]?.rotten, false)
})

test('Scrubber takes the names that are its own and that nobody else is at, and survives volumes that go', async () => {
  const names = Array.from({ length: 30 }, (_, i) => `v${i}`)
  for (const name of names) await store.put(name, body(name))
  for (const name of names) await overwrite(name, '!')
  const mine = new Set(names.slice(0, 10))
  const scrubber = scrubberOf({ isMine: async (name) => mine.has(name), alone: async (name, work) => { if (name !== 'v3') await work(signal) } })
  for (let calls = 0; calls < mine.size; calls++) await scrubber.scrubNext(signal)
  assert.deepEqual(logged.sort(), [...mine].filter((name) => name !== 'v3').map((name) => `volume.rot ${name}`).sort())
  const late = scrubberOf()
  await late.scrubNext(signal)
  for (const name of names) await store.delete(name)
  for (let calls = 0; calls < names.length; calls++) await late.scrubNext(signal)
})

test('Scrubber.scrubNext() stops when its lock is lost', async () => {
  await store.put('a', body('hello'))
  const lost = AbortSignal.abort(new Error('lost'))
  await assert.rejects(scrubberOf({ alone: async (_, work) => work(lost) }).scrubNext(signal), /lost/)
})

test('Scrubber.scrubNext() rejects with the reason of its signal and marks nothing', async () => {
  await store.put('a', body('hello'))
  await assert.rejects(scrubberOf().scrubNext(AbortSignal.abort(new Error('stopping'))), /stopping/)
  assert.equal((await store.entries(['a']))[0]?.rotten, false)
})

function scrubberOf(options: Partial<ScrubberOptions> = {}): Scrubber {
  const note = (message: string, fields?: Readonly<Record<string, unknown>>): void => void logged.push(`${message} ${String(fields?.['volume'])}`)
  const log = { info: note, error: note } as unknown as ScrubberOptions['log']
  return new Scrubber({ store, log, isMine: async () => true, alone: (_, work) => work(signal), ...options })
}

async function overwrite(name: string, firstLetter: string): Promise<void> {
  const file = await open(join(store.directory, name), 'r+')
  await file.write(firstLetter, 0)
  await file.close()
}

async function* body(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}
