import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { codeOf } from '#src/base/errors.js'
import { guardedWriteFile, newestFence } from '#src/coordination/fence/file-guard.js'
import { beforeEachFileSystemCall } from '../../../support/file-system-steps.js'
import { temporaryFolder } from '../../../support/temporary-folder.js'

const WRITER = fileURLToPath(new URL('../../../fixtures/guarded-writer.js', import.meta.url))

function temporaryFile(t: TestContext): string {
  return join(temporaryFolder(t), 'state.json')
}

test('guardedWriteFile() writes for a newer or equal fence, and refuses an older one', async (t) => {
  const path = temporaryFile(t)
  assert.equal(await newestFence(path), 0n)
  await guardedWriteFile(path, 'by 9', 9n)
  await guardedWriteFile(path, Buffer.from('by 10'), 10n)
  await guardedWriteFile(path, 'by 10 again', 10n)
  await assert.rejects(guardedWriteFile(path, 'late', 9n), { code: 'FENCE_STALE', message: `Cannot write "${path}" as it has seen a newer fence (10): 9` })
  assert.equal(readFileSync(path, 'utf8'), 'by 10 again')
  assert.equal(await newestFence(path), 10n)
})

test('guardedWriteFile() leaves one mark and no stage', async (t) => {
  const path = temporaryFile(t)
  for (const fence of [1n, 2n, 3n]) await guardedWriteFile(path, String(fence), fence)
  assert.deepEqual(readdirSync(`${path}.fence`), ['3'])
  await assert.rejects(guardedWriteFile(path, 'late', 2n))
  assert.deepEqual(readdirSync(`${path}.fence`).sort(), ['2', '3'])
  await guardedWriteFile(path, '4', 4n)
  assert.deepEqual(readdirSync(`${path}.fence`), ['4'])
})

test('guardedWriteFile() gives the file its mode, and passes on what the file system says', async (t) => {
  const path = temporaryFile(t)
  await guardedWriteFile(path, 'secret', 1n, { mode: 0o600 })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await assert.rejects(guardedWriteFile(join(path, 'below'), 'x', 1n), { code: 'ENOTDIR' })
  await assert.rejects(guardedWriteFile(path, 'x', 2n ** 53n), RangeError)
})

/** In memory where there is such a folder: thousands of syncs. */
const FAST = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** So many calls by one writer; then it is killed, or only waits. */
interface Turn {
  readonly writer: number
  readonly calls: number
  readonly killed: boolean
}

/**
 * Writers that go on one call of the file system at a time, turn by turn; in the
 * end each that was not killed finishes. A killed one never goes on. What is in the
 * file after each call.
 */
async function interleave(path: string, fences: readonly bigint[], turns: readonly Turn[]): Promise<readonly bigint[]> {
  const seen: bigint[] = []
  const waiting = new Map<number, () => void>()
  const self = new AsyncLocalStorage<number>()
  let arrived = (): void => {}
  const undo = await beforeEachFileSystemCall(() => new Promise<void>((proceed) => {
    waiting.set(self.getStore() ?? -1, proceed)
    arrived()
  }))
  const step = async (act: () => void): Promise<void> => {
    const settled = new Promise<void>((resolve) => { arrived = resolve })
    act()
    await settled
    if (existsSync(path)) seen.push(BigInt(readFileSync(path, 'utf8')))
  }
  const advance = async (writer: number, calls: number): Promise<void> => {
    for (let call = 0; call < calls; call++) {
      const proceed = waiting.get(writer)
      if (!proceed) return
      waiting.delete(writer)
      await step(proceed)
    }
  }
  try {
    for (const [writer, fence] of fences.entries()) {
      const write = async (): Promise<void> => {
        await guardedWriteFile(path, String(fence), fence).catch((error: unknown) => assert.equal(codeOf(error), 'FENCE_STALE'))
        arrived()
      }
      await step(() => self.run(writer, () => void write()))
    }
    for (const { writer, calls, killed } of turns) {
      await advance(writer, calls)
      if (killed) waiting.delete(writer)
    }
    for (const writer of fences.keys()) await advance(writer, Number.POSITIVE_INFINITY)
  } finally {
    undo()
  }
  return seen
}

/** After a write under fence 3, interleaves others, and checks that the file never goes back and that the next holder can write. */
async function checkOrder(fences: readonly bigint[], turns: readonly Turn[]): Promise<void> {
  const folder = mkdtempSync(join(FAST, 'reeve-fence-'))
  const path = join(folder, 'state')
  try {
    await guardedWriteFile(path, '3', 3n)
    const seen = [3n, ...await interleave(path, fences, turns)]
    assert.deepEqual(seen, seen.toSorted((a, b) => Number(a - b)), JSON.stringify(turns))
    await guardedWriteFile(path, '7', 7n)
    assert.deepEqual([readFileSync(path, 'utf8'), readdirSync(`${path}.fence`)], ['7', ['7']])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** More than one write makes. */
const MOST_CALLS = 18

test('guardedWriteFile() of an old fence, stopped anywhere while a new one gets anywhere and is killed, never overwrites a newer one', async () => {
  for (let stopped = 0; stopped <= MOST_CALLS; stopped++) {
    for (let killed = 0; killed <= MOST_CALLS; killed++) {
      await checkOrder([2n, 4n], [{ writer: 0, calls: stopped, killed: false }, { writer: 1, calls: killed, killed: true }])
    }
  }
})

test('guardedWriteFile() never puts an older fence in place of a newer one, in whatever order the calls of several writers fall, and whoever of them is killed', async () => {
  const writers = fc.array(fc.bigInt({ min: 1n, max: 6n }), { minLength: 2, maxLength: 4 })
  const turns = fc.array(fc.record({ writer: fc.nat(3), calls: fc.integer({ min: 1, max: MOST_CALLS }), killed: fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0) }), { maxLength: 10 })
  await fc.assert(fc.asyncProperty(writers, turns, checkOrder), { numRuns: 100 })
})

test('guardedWriteFile() killed before any of its calls leaves a whole file, and the next holder can write', async (t) => {
  const path = temporaryFile(t)
  const content = (fence: number): string => `${fence}\n`.repeat(1_000)
  let fence = 1
  await guardedWriteFile(path, content(fence), BigInt(fence))
  for (let call = 1; ; call++) {
    const before = fence
    const killed = ++fence
    const { signal, status } = spawnSync(process.execPath, [WRITER, path, String(killed)], { env: { ...process.env, KILL_BEFORE: String(call) } })
    const found = readFileSync(path, 'utf8')
    assert.ok(found === content(before) || found === content(killed), `torn after call ${call}`)
    if (found === content(killed)) await assert.rejects(guardedWriteFile(path, 'late', BigInt(before)), { code: 'FENCE_STALE' })
    await guardedWriteFile(path, content(++fence), BigInt(fence))
    assert.deepEqual([readFileSync(path, 'utf8'), readdirSync(`${path}.fence`)], [content(fence), [String(fence)]])
    if (signal === null) {
      assert.equal(status, 0)
      assert.ok(call > 8, `only ${call} calls`)
      return
    }
    assert.equal(signal, 'SIGKILL')
  }
})

const WRITERS = 8
const ROUNDS = 40

/** Writer `index` has the fences index+1, index+1+WRITERS, … */
function startWriter(path: string, index: number): ChildProcess {
  const fences = Array.from({ length: ROUNDS }, (_, round) => String(round * WRITERS + index + 1))
  return spawn(process.execPath, [WRITER, path, ...fences], { stdio: ['ignore', 'pipe', 'inherit'] })
}

test('guardedWriteFile() of eight processes at once, half of them killed, never goes back to an older fence', async (t) => {
  const path = temporaryFile(t)
  const children = Array.from({ length: WRITERS }, (_, index) => startWriter(path, index))
  const written: number[] = []
  let newestSeen = 0
  const look = (): void => {
    if (!existsSync(path)) return
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    assert.equal(lines.length, 1_000)
    assert.equal(new Set(lines).size, 1)
    assert.ok(Number(lines[0]) >= newestSeen, `${lines[0]} after ${newestSeen}`)
    newestSeen = Number(lines[0])
  }
  const watching = setInterval(look, 1)
  t.after(() => clearInterval(watching))
  await Promise.all(children.map(async (child, index) => {
    const ended = once(child, 'close')
    let lines = 0
    for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
      const [fence, outcome] = line.split(' ')
      assert.match(String(outcome), /^(?:written|FENCE_STALE)$/)
      if (outcome === 'written') written.push(Number(fence))
      look()
      if (++lines === ROUNDS / 2 && index % 2 === 0) child.kill('SIGKILL')
    }
    await ended
  }))
  clearInterval(watching)
  look()
  assert.ok(written.length >= ROUNDS, `only ${written.length} writes were done`)
  assert.ok(newestSeen >= Math.max(...written))
  await guardedWriteFile(path, 'last', 100_000n)
  assert.deepEqual(readdirSync(`${path}.fence`), ['100000'])
})
