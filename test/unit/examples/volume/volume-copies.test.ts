import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { ThreadPool } from 'reeve/tpool'
import type * as blockingVolume from '#src/examples/volume/blocking-volume.js'
import { VolumeCopies, type BlockingVolume } from '#src/examples/volume/volume-copies.js'
import { VolumeStore } from '#src/examples/volume/volume-store.js'

const threads = new ThreadPool({ threads: 1 })
const { signal } = new AbortController()
let blocking: BlockingVolume
let store: VolumeStore

before(async () => { blocking = await threads.proxy<typeof blockingVolume>(new URL('../../../../../dist/examples/volume/blocking-volume.js', import.meta.url)) })
after(async () => { await threads.close() })
beforeEach(async () => {
  store = await VolumeStore.open(await mkdtemp(join(tmpdir(), 'volume-copies-')))
  await store.put('a', body('hello'))
})
afterEach(async () => { await rm(store.directory, { recursive: true }) })

test('VolumeCopies: what is asked for of one volume is done in that order', async () => {
  const copies = new VolumeCopies({ store, load: async () => blocking })
  const done: string[] = []
  const note = (act: string) => () => void done.push(act)
  await Promise.all([
    copies.clone('a', 'b').then(note('clone')),
    copies.flatten('a', signal).then(note('flatten')),
    store.delete('a').then(note('delete')),
    assert.rejects(copies.clone('a', 'c'), { code: 'VOLUME_NOT_FOUND' }).then(note('nothing to clone')),
  ])
  assert.deepEqual(done, ['clone', 'flatten', 'delete', 'nothing to clone'])
  assert.deepEqual(await store.names(), ['b'])
})

test('VolumeCopies: an upload and a removal under a flatten of another process are kept', async () => {
  const copies = new VolumeCopies({ store, load: async () => blocking, flattenBytesPerSecond: 100 })
  const other = await VolumeStore.open(store.directory)
  const flattening = copies.flatten('a', signal)
  await other.put('a', body('newer'))
  await flattening
  assert.equal((await copies.checksum('a', signal)).sha256, createHash('sha256').update('newer').digest('hex'))
  const [again] = await Promise.allSettled([copies.flatten('a', signal), other.delete('a')])
  if (again.status === 'rejected') assert.equal((again.reason as { code?: string }).code, 'VOLUME_NOT_FOUND') // it had not begun
  assert.deepEqual(await store.names(), [])
})

test('VolumeCopies loads its threads when they are first needed, once, and again after a failure', async () => {
  let loads = 0
  const copies = new VolumeCopies({ store, load: async () => {
    if (++loads === 1) throw new Error('no thread')
    return blocking
  } })
  assert.equal(loads, 0)
  await assert.rejects(copies.checksum('a', signal), /no thread/)
  await Promise.all([copies.checksum('a', signal), copies.checksum('a', signal)])
  assert.equal(loads, 2)
})

test('VolumeCopies.checksum() and flatten() reject with the reason of their signal', async () => {
  const copies = new VolumeCopies({ store, load: async () => blocking })
  const stopped = AbortSignal.abort(new Error('stopped'))
  await assert.rejects(copies.checksum('a', stopped), /stopped/)
  await assert.rejects(copies.flatten('a', stopped), /stopped/)
})

async function* body(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}
