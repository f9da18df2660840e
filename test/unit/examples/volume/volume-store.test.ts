import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { decodeFooter, encodeFooter } from '#src/examples/volume/volume-file.js'
import { VolumeStore } from '#src/examples/volume/volume-store.js'
import { notRun } from '../../../support/not-run.js'

let root: string
let directory: string
let store: VolumeStore

before(async () => { root = await mkdtemp(join(tmpdir(), 'volume-store-')) })
after(async () => { await rm(root, { recursive: true }) })
beforeEach(async () => {
  directory = join(await mkdtemp(join(root, 't-')), 'made', 'here')
  store = await VolumeStore.open(directory)
})

test('VolumeStore.put() stores size and digest with the body', async () => {
  const stored = await store.put('a', chunks('hello ', 'world'))
  assert.deepEqual(stored, { name: 'a', created: true, sizeBytes: 11, sha256: sha256('hello world') })
  assert.equal((await store.put('a', chunks('x'))).created, false)
  assert.equal(await text('a'), 'x')
  assert.deepEqual(await readdir(directory), ['a'])
})

test('VolumeStore.put() takes an empty body', async () => {
  await store.put('empty', chunks())
  assert.deepEqual(await store.entries(['empty']), [{ name: 'empty', sizeBytes: 0, sha256: sha256(''), rotten: false }])
  assert.equal(await text('empty'), '')
})

test('VolumeStore.put() keeps the old volume and leaves no draft when it fails', async () => {
  await store.put('a', chunks('old'))
  const broken = async function* (): AsyncGenerator<Uint8Array> { yield Buffer.from('ne'); throw new Error('gone') }
  await assert.rejects(store.put('a', broken()), /gone/)
  await assert.rejects(store.put('a', chunks('new'), { maxBytes: 2 }), { code: 'VOLUME_TOO_LARGE' })
  await assert.rejects(store.put('a', chunks('new'), { sha256: sha256('other') }), { code: 'VOLUME_DIGEST_MISMATCH' })
  await assert.rejects(store.put('a', chunks('new'), { onlyIfAbsent: true }), { code: 'VOLUME_PRECONDITION_FAILED' })
  assert.equal(await text('a'), 'old')
  assert.deepEqual(await readdir(directory), ['a'])
})

test('VolumeStore.put() with onlyIfAbsent lets exactly one of many create a volume', async () => {
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => store.put('one', chunks(`${i}`), { onlyIfAbsent: true })))
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1)
  assert.deepEqual(await readdir(directory), ['one'])
})

test('VolumeStore.create() publishes a whole volume under a free name only, and leaves no draft', async () => {
  const fill = (content: Uint8Array) => async (draft: string): Promise<void> => { await writeFile(draft, content) }
  const summary = { sizeBytes: 5, sha256: sha256('hello') }
  const whole = Buffer.concat([Buffer.from('hello'), encodeFooter(summary)])
  assert.deepEqual(await store.create('a', fill(whole)), { name: 'a', created: true, ...summary })
  await assert.rejects(store.create('a', fill(whole)), { code: 'VOLUME_EXISTS' })
  await assert.rejects(store.create('b', fill(whole.subarray(1))), { code: 'VOLUME_ROTTEN' })
  await assert.rejects(store.create('b', async () => { throw new Error('gone') }), /gone/)
  assert.deepEqual(await readdir(directory), ['a'])
})

test('VolumeStore.put() gives up when another change of its volume goes on for too long', async () => {
  let end: () => void = () => undefined
  const change = store.turns.take('a', () => new Promise<void>((resolve) => { end = resolve }))
  await assert.rejects(store.put('a', chunks('x'), { maxWaitMs: 1 }), { code: 'VOLUME_BUSY' })
  end()
  await change
  assert.deepEqual(await readdir(directory), [])
})

test('OpenVolume goes on reading what it opened after a put and a delete', async () => {
  await store.put('a', chunks('old'))
  const volume = await store.open('a')
  assert.ok(volume)
  await store.put('a', chunks('brand new'))
  await store.delete('a')
  assert.equal((await buffer(volume.stream({ start: 0, end: volume.entry.sizeBytes - 1 }))).toString(), 'old')
  await volume.close()
})

test('VolumeStore.delete() says what it removed, and undefined for nothing', async () => {
  await store.put('a', chunks('abc'))
  assert.deepEqual(await store.delete('a'), { name: 'a', sizeBytes: 3, sha256: sha256('abc'), rotten: false })
  assert.equal(await store.delete('a'), undefined)
  assert.deepEqual(await readdir(directory), [])
})

test('VolumeStore.entries() shows a file without a footer as rotten', async () => {
  await writeFile(join(directory, 'foreign'), 'not ours')
  assert.deepEqual(await store.entries(await store.names()), [{ name: 'foreign', sizeBytes: 8, sha256: null, rotten: true }])
})

test('VolumeStore.sweep() removes old drafts only, and a swept upload fails whole', async () => {
  await store.put('a', chunks('abc'))
  await writeFile(join(directory, '.draft-left'), 'half')
  await writeFile(join(directory, '.doomed-left'), 'half')
  assert.equal(await store.sweep(60_000), 0)
  const swept = async function* (): AsyncGenerator<Uint8Array> { yield Buffer.from('ne'); assert.equal(await store.sweep(-1_000), 3) }
  await assert.rejects(store.put('a', swept()), { code: 'ENOENT' })
  assert.deepEqual(await readdir(directory), ['a'])
  assert.equal(await text('a'), 'abc')
})

test('VolumeStore.open() says why a directory cannot be used', async () => {
  await writeFile(join(root, 'file'), '')
  await assert.rejects(VolumeStore.open(join(root, 'file')), { code: 'VOLUME_DIRECTORY_UNUSABLE', message: /EEXIST/ })
})

test('VolumeStore.open() refuses a directory without the right to write', async (t) => {
  if (process.getuid?.() === 0) return t.skip(notRun('VolumeStore.open() without the right to write', 'root may write everywhere'))
  await chmod(directory, 0o500)
  await assert.rejects(VolumeStore.open(directory), { code: 'VOLUME_DIRECTORY_UNUSABLE', message: /EACCES/ })
  await chmod(directory, 0o700)
})

test('decodeFooter() refuses a footer that disagrees with its file', () => {
  const summary = { sizeBytes: 5, sha256: sha256('hello') }
  const footer = encodeFooter(summary)
  assert.deepEqual(decodeFooter(footer, 53), summary)
  assert.equal(decodeFooter(footer, 52), undefined)
  assert.equal(decodeFooter(footer.subarray(1), 53), undefined)
})

test('VolumeStore keeps every volume whole while two writers are killed, 25 times each', { timeout: 120_000 }, async () => {
  for (let round = 0; round < 25; round++) {
    const writers = [startWriter(1), startWriter(2)]
    await Promise.all(writers.map(({ stdout }) => once(stdout, 'data')))
    await new Promise((resolve) => setTimeout(resolve, randomInt(0, 40)))
    await assertAllWhole()
    for (const writer of writers) writer.kill('SIGKILL')
    await Promise.all(writers.map((writer) => once(writer, 'close')))
    await assertAllWhole()
  }
  await store.sweep(-1_000)
  assert.deepEqual((await readdir(directory)).filter((name) => name.startsWith('.')), [])
})

function startWriter(firstByte: number): ReturnType<typeof spawnWriter> {
  return spawnWriter(String(firstByte))
}

function spawnWriter(firstByte: string) {
  const fixture = fileURLToPath(new URL('../../../../fixtures/volume-writer.mjs', import.meta.url))
  return spawn(process.execPath, [fixture, directory, firstByte], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Each volume that is there has the size and digest it is listed with, and comes from one writer. */
async function assertAllWhole(): Promise<void> {
  for (const name of await store.names()) {
    const volume = await store.open(name)
    if (volume === undefined) continue
    assert.equal(volume.entry.rotten, false, name)
    const body = await buffer(volume.stream({ start: 0, end: volume.entry.sizeBytes - 1 }))
    await volume.close()
    assert.equal(body.length, volume.entry.sizeBytes)
    assert.equal(sha256(body), volume.entry.sha256)
    assert.ok(body.every((byte) => byte === body[0]), `${name} mixes two writers`)
  }
}

async function text(name: string): Promise<string | undefined> {
  const volume = await store.open(name)
  if (volume === undefined) return undefined
  const body = await buffer(volume.stream({ start: 0, end: volume.entry.sizeBytes - 1 }))
  await volume.close()
  return body.toString()
}

async function* chunks(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
