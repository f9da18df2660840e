import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ThreadPool, withOptions } from 'reeve/tpool'
import * as blocking from '#src/examples/volume/blocking-volume.js'
import { encodeFooter } from '#src/examples/volume/volume-file.js'
import { temporaryFolder } from '../../../support/temporary-folder.js'

const BODY = randomBytes(2_500_000)

test('copy() makes a volume of its own, and refuses a path that is taken', (t) => {
  const path = volume(t)
  blocking.copy(path, `${path}-copy`)
  assert.ok(readFileSync(`${path}-copy`).equals(readFileSync(path)))
  assert.notEqual(statSync(`${path}-copy`).ino, statSync(path).ino)
  assert.throws(() => { blocking.copy(path, `${path}-copy`) }, { code: 'EEXIST' })
})

test('checksum() reads what is there, with a footer, with a damaged one and without', (t) => {
  const path = volume(t)
  assert.deepEqual(blocking.checksum(path), { sizeBytes: BODY.length, sha256: sha256(BODY), storedSha256: sha256(BODY) })
  truncateSync(path, BODY.length + 47)
  assert.deepEqual(blocking.checksum(path), { sizeBytes: BODY.length + 47, sha256: sha256(readFileSync(path)), storedSha256: null })
  writeFileSync(path, '')
  assert.deepEqual(blocking.checksum(path), { sizeBytes: 0, sha256: sha256(''), storedSha256: null })
})

test('flatten() writes the same bytes into the same file, and nothing into a rotten one', (t) => {
  const path = volume(t)
  const { ino, mtimeNs } = statSync(path, { bigint: true })
  const whole = readFileSync(path)
  assert.deepEqual(blocking.flatten(path, Infinity), { sizeBytes: BODY.length, sha256: sha256(BODY), storedSha256: sha256(BODY) })
  const flattened = statSync(path, { bigint: true })
  assert.ok(readFileSync(path).equals(whole))
  assert.equal(flattened.ino, ino)
  assert.ok(flattened.mtimeNs > mtimeNs)
  whole[0] = (whole[0] ?? 0) ^ 1
  writeFileSync(path, whole)
  const { mtimeNs: rottenSince } = statSync(path, { bigint: true })
  assert.notEqual(blocking.flatten(path, Infinity).sha256, sha256(BODY))
  assert.equal(statSync(path, { bigint: true }).mtimeNs, rottenSince)
})

test('flatten() that is stopped in the middle leaves the volume whole', async (t) => {
  const path = volume(t)
  const whole = readFileSync(path)
  const { mtimeNs } = statSync(path, { bigint: true })
  await using threads = new ThreadPool({ threads: 1 })
  const remote = await threads.proxy<typeof blocking>(new URL('../../../../../dist/examples/volume/blocking-volume.js', import.meta.url))
  const stop = new AbortController()
  const flattened = withOptions(remote, { signal: stop.signal }).flatten(path, 8_000_000)
  const watch = setInterval(() => { if (statSync(path, { bigint: true }).mtimeNs > mtimeNs) stop.abort(new Error('stopped')) }, 5)
  await assert.rejects(flattened, /stopped/)
  clearInterval(watch)
  assert.ok(readFileSync(path).equals(whole))
})

function volume(t: TestContext): string {
  const path = join(temporaryFolder(t), 'volume')
  writeFileSync(path, Buffer.concat([BODY, encodeFooter({ sizeBytes: BODY.length, sha256: sha256(BODY) })]))
  return path
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
