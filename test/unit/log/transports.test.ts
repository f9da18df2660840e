import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'

const LINES = 5_000

interface Line {
  readonly message: string
  readonly n?: number
  readonly lines?: number
  readonly hitEagain?: boolean
}

test('SyncTransport loses no line to process.exit() on a slow pipe', async () => {
  const child = start('log-lines.mjs', [String(LINES), 'exit'])
  const lines = parse(await readSlowly(child))
  assert.deepEqual(lines.map(({ n }) => n), Array.from({ length: LINES }, (_, n) => n))
})

test('SyncTransport loses no line to a throw', async () => {
  const child = start('log-lines.mjs', [String(LINES), 'throw'])
  const lines = parse(await readSlowly(child))
  assert.equal(lines.length, LINES)
})

test('SyncTransport waits out EAGAIN', async () => {
  const child = start('log-eagain.mjs')
  const lines = parse(await readSlowly(child)).filter(({ message }) => message === 'line' || message === 'end')
  assert.equal(lines.at(-1)?.hitEagain, true)
  // The line that the fixture's own bare write broke off may swallow the first.
  assert.ok(lines.length >= LINES)
  assert.equal(lines.at(-2)?.n, LINES - 1)
})

test('SyncTransport lives on when its reader has gone', async () => {
  const child = start('log-lines.mjs', ['2000', 'exit'])
  child.stderr?.destroy()
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 0)
})

test('SyncTransport tells of a full disk once, and goes on', { skip: !existsSync('/dev/full') && 'NOT RUN: no /dev/full' }, async () => {
  const program = `
    import { createLogger } from '#src/log/create-logger.js'
    for (const transport of ['sync', 'ring']) {
      const log = createLogger({ file: '/dev/full', transport })
      for (let n = 0; n < 10; n++) log.info('m')
      await log.flush(1_000)
      console.log(log.lost)
    }`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  assert.equal(output, '10\n10\n')
  assert.equal(errors.trim().split('\n').length, 2)
  assert.match(errors, /^Cannot write the log "\/dev\/full" as .*ENOSPC/)
})

for (const kind of ['pipe', 'socket'] as const) {
  test(`RingTransport neither waits for a stalled reader of a ${kind} nor hides what it drops`, { timeout: 60_000 }, async () => {
    const { child, read } = kind === 'pipe' ? startBehindPipe() : startBehindSocket()
    const [{ longestGapMs, lost, flushMs }] = (await once(child, 'message')) as [{ longestGapMs: number; lost: number; flushMs: number }]
    assert.ok(longestGapMs < 500, `the loop stood still for ${longestGapMs} ms`)
    assert.ok(flushMs >= 190 && flushMs < 1_000, `flush() took ${flushMs} ms`)
    assert.ok(lost > 1_000)
    child.send('read')
    const lines = parse(await read())
    const gap = lines.findIndex((line) => line.lines !== undefined)
    const dropped = lines.reduce((sum, line) => sum + (line.lines ?? 0), 0)
    assert.ok(gap > 100)
    assert.deepEqual(lines.slice(0, gap).map(({ n }) => n), Array.from({ length: gap }, (_, n) => n))
    assert.equal(lines.filter((line) => line.lines === undefined).length + dropped, LINES + 2)
    assert.equal(lines.at(-1)?.message, 'last')
  })
}

test('winston is loaded by the first enabled record, not before', async () => {
  const child = start('log-lazy.mjs')
  const { before, after } = JSON.parse(await text(child.stdout as Readable)) as { before: number; after: number }
  assert.equal(before, 0)
  assert.ok(after > 0)
})

function start(fixture: string, args: readonly string[] = []): ChildProcess {
  const child = spawn(process.execPath, [fixturePath(fixture), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stderr.pause()
  return child
}

interface StalledLog {
  readonly child: ChildProcess
  /** Begins to read; all that was written, at its end. */
  readonly read: () => Promise<string>
}

/** What Node calls a pipe is a pair of sockets, as the journal's. */
function startBehindSocket(): StalledLog {
  const child = spawn(process.execPath, [fixturePath('log-stalled.mjs')], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  const stderr = child.stderr as Readable
  return { child, read: () => text(stderr.pause()) }
}

/** A pipe(2) to a `cat` that begins when it is told to. */
function startBehindPipe(): StalledLog {
  const command = `exec 5<&0; "${process.execPath}" "${fixturePath('log-stalled.mjs')}" 2>&1 >/dev/null 5<&- | { read go <&5; exec cat; } 3>&-`
  const child = spawn('sh', ['-c', command], { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] })
  return {
    child,
    read: async () => {
      child.stdin?.end('go\n')
      return await text(child.stdout as Readable)
    },
  }
}

async function readSlowly(child: ChildProcess): Promise<string> {
  let all = ''
  for await (const chunk of child.stderr?.setEncoding('utf8') ?? []) {
    all += String(chunk)
    await delay(2)
  }
  return all
}

function parse(output: string): Line[] {
  return output.split('\n').filter((line) => line.startsWith('{"time"')).map((line) => JSON.parse(line) as Line)
}

function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url))
}
