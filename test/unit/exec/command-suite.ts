import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { PassThrough, Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import { codeOf } from '#src/base/errors.js'
import type { ExecError } from '#src/exec/errors.js'
import { execute } from '#src/exec/execute.js'
import { running } from '#src/exec/running.js'
import { stream } from '#src/exec/stream.js'
import { FakeClock } from '../../support/fake-clock.js'
import { isAlive, until } from '../../support/processes.js'

const BIG_BYTES = 20_000_003

/** What every kind of pipe must give. */
export function testCommands(): void {
  testExecute()
  testEnds()
  testInput()
  testStream()
}

function testExecute(): void {
  test('execute() gives outputs, exit code and counts', async () => {
    const result = await execute('echo out; echo err >&2; exit 3', [], { shell: true, checkExitCode: [0, 3] })
    assert.equal(result.stdout, 'out\n')
    assert.equal(result.stderr, 'err\n')
    assert.equal(result.exitCode, 3)
    assert.equal(result.signal, null)
    assert.deepEqual(result.bytes, { stdout: 4, stderr: 4 })
    assert.deepEqual(result.truncated, { stdout: 0, stderr: 0 })
    assert.equal(result.attempts, 1)
    assert.ok(result.reads >= 1 && result.durationMs > 0)
  })

  test('execute() hands arguments on as they are, with and without a shell', async () => {
    const odd = ['$HOME', 'a b', "it's", '*', '', 'ä\n']
    assert.equal((await execute('printf', ['%s|', ...odd])).stdout, odd.map((word) => `${word}|`).join(''))
    assert.equal((await execute('printf "%s|" "$@"', odd, { shell: true })).stdout, odd.map((word) => `${word}|`).join(''))
  })

  test('execute() rejects a failure with command, exit code and masked outputs', async () => {
    const failed = execute('echo to hush; echo password=hunter2 >&2; exit 7', [], { shell: true, secrets: ['hush'], description: 'unlock the safe' })
    await assert.rejects(failed, (error: ExecError) => {
      assert.equal(error.code, 'EXEC_FAILED')
      assert.match(error.message, /^Cannot unlock the safe as its exit code must be 0: 7\nCommand: echo to \*\*\*.*\nExit code: 7\nStdout: "to \*\*\*\\n"\nStderr: "password=\*\*\*\\n"$/)
      assert.doesNotMatch(JSON.stringify(error), /hush|hunter2/)
      assert.equal(error.result?.stdout, 'to hush\n')
      return true
    })
  })

  test('execute() keeps the tail of more than maxOutputBytes', async () => {
    const whole = (await execute('seq', ['1', '100000'])).stdout
    for (const maxOutputBytes of [1, 100, 65_536, 100_000]) {
      const { stdout, truncated, bytes } = await execute('seq', ['1', '100000'], { maxOutputBytes })
      assert.equal(stdout, whole.slice(-maxOutputBytes))
      assert.deepEqual(truncated, { stdout: whole.length - maxOutputBytes, stderr: 0 })
      assert.equal(bytes.stdout, whole.length)
    }
  })

  test('execute() keeps all bytes of a big output', async () => {
    const input = Buffer.alloc(BIG_BYTES)
    for (let at = 0; at < input.length; at += 997) input[at] = at % 251
    const { stdout } = await execute('cat', [], { processInput: input, encoding: 'buffer' })
    assert.ok(stdout.equals(input))
  })

  test('execute() counts, or hands on, what is not to be kept', async () => {
    const counted = await execute('head', ['-c', String(BIG_BYTES), '/dev/zero'], { stdout: 'count' })
    assert.deepEqual([counted.stdout, counted.bytes.stdout], ['', BIG_BYTES])
    let handedOn = ''
    await execute('seq', ['1', '1000'], { stdout: (chunk) => { handedOn += chunk.toString() } })
    assert.equal(handedOn, (await execute('seq', ['1', '1000'])).stdout)
  })

  test('execute() tries again, by chance from 0.2 to 2 s later, what failed', async () => {
    const clock = new FakeClock()
    const pids: number[] = []
    let exits = 0
    const failed = execute('exit 1', [], { shell: true, attempts: 3, clock, random: () => 0.5, onSpawn: (pid) => pids.push(pid), onExit: () => exits++ })
    const rejected = assert.rejects(failed, { code: 'EXEC_FAILED', details: { attempts: 3 } } as unknown as Error).catch((error: unknown) => error)
    for (const attempt of [1, 2]) {
      await until(`the end of attempt ${attempt}`, () => exits === attempt && clock.sleepers === 1)
      await clock.advance(1_099)
      assert.equal(pids.length, attempt)
      await clock.advance(1)
      await until(`attempt ${attempt + 1}`, () => pids.length === attempt + 1)
    }
    await rejected
    await assert.rejects(failed, { code: 'EXEC_FAILED' })
    assert.equal(exits, 3)
  })

  test('execute() sets limits, and tells a refused one from a failed command', { skip: process.platform !== 'linux' }, async () => {
    assert.equal((await execute('ulimit -n; ulimit -c', [], { shell: true, prlimit: { openFiles: 77, coreBytes: 0 } })).stdout, '77\n0\n')
    await assert.rejects(execute('true', [], { prlimit: { openFiles: 2 ** 40 } }), { code: 'EXEC_LIMIT_REFUSED' })
    await assert.rejects(execute('no-such-command', [], { prlimit: { openFiles: 77 } }), { code: 'EXEC_NOT_FOUND' })
    await assert.rejects(execute('false', [], { prlimit: { openFiles: 77 } }), { code: 'EXEC_FAILED' })
  })

  test('execute() tells what was not found from what was not started', async () => {
    await assert.rejects(execute('no-such-command'), { code: 'EXEC_NOT_FOUND', message: /must be in a directory of PATH: \// })
    await assert.rejects(execute('/no/such/command'), { code: 'EXEC_NOT_FOUND' })
    await assert.rejects(execute('true', [], { cwd: '/no/such/folder' }), { code: 'EXEC_NOT_STARTED', message: /\/no\/such\/folder/ })
    await assert.rejects(execute('/etc/passwd'), { code: 'EXEC_NOT_STARTED', message: /EACCES/ })
    await assert.rejects(execute('true', ['x'.repeat(4_000_000)]), { code: 'EXEC_NOT_STARTED' })
  })

  test('execute() leaves no descriptor and no command behind, whatever the end', { skip: process.platform !== 'linux' }, async () => {
    await execute('true')
    const open = (): number => readdirSync('/proc/self/fd').length
    const before = open()
    for (const [command, options] of [['true', {}], ['no-such-command', { processInput: 'x' }], ['exit 1', { shell: true }], ['echo x; kill -9 $$', { shell: true, processInput: 'x' }]] as const) {
      await execute(command, [], options).catch(() => {})
    }
    await until('the descriptors to be closed', () => open() <= before)
    assert.deepEqual(running(), [])
  })
}

function testEnds(): void {
  test('execute() kills the whole group at the deadline, and gives what there was', async () => {
    let pids: readonly number[] = []
    const late = execute('sleep 300 & echo $$ $!; wait', [], { shell: true, timeoutMs: 300 })
    await assert.rejects(late, (error: ExecError) => {
      assert.equal(error.code, 'EXEC_TIMEOUT')
      pids = String(error.result?.stdout).trim().split(' ').map(Number)
      return true
    })
    assert.equal(pids.length, 2)
    await until('the end of the group', () => !pids.some(isAlive))
  })

  test('execute() sends SIGKILL to those who ignore SIGTERM, when killGraceMs have passed', async () => {
    const clock = new FakeClock()
    let pid = 0
    const stubborn = execute("trap '' TERM; echo ready; while :; do sleep 0.01; done", [], { shell: true, timeoutMs: 100, killGraceMs: 5_000, clock, stdout: () => { pid = running()[0]?.pid ?? 0 } })
    const rejected = assert.rejects(stubborn, { code: 'EXEC_TIMEOUT', details: { exitCode: null } } as unknown as Error).catch(() => {})
    await until('the command to be ready', () => pid > 0)
    await clock.advance(100)
    await clock.advance(4_999)
    assert.ok(isAlive(pid))
    await clock.advance(1)
    await rejected
    await assert.rejects(stubborn, { code: 'EXEC_TIMEOUT' })
    assert.ok(!isAlive(pid))
  })

  test('execute() ends with the command, not with a grandchild that holds its output', async () => {
    let pid = 0
    const { stdout } = await execute('sleep 300 & echo $!', [], { shell: true })
    pid = Number(stdout)
    assert.ok(isAlive(pid), 'what was left in the background goes on')
    process.kill(pid, 'SIGKILL')
  })

  test('execute() ends even if a grandchild writes on for ever', async () => {
    const { stdout } = await execute('yes & echo $!', [], { shell: true, encoding: 'buffer' })
    const pid = Number(/^\d+$/m.exec(stdout.subarray(0, 100_000_000).toString('latin1').replaceAll('y\n', ''))?.[0])
    await until('the end of the grandchild by SIGPIPE', () => !isAlive(pid))
  })

  test('execute() rejects with the reason of an aborted signal, before and during the run', async () => {
    const reason = new Error('enough')
    await assert.rejects(execute('true', [], { signal: AbortSignal.abort(reason) }), reason)
    const stop = new AbortController()
    let pid = 0
    const aborted = execute('sleep', ['300'], { signal: stop.signal, onSpawn: (started) => { pid = started; setImmediate(() => { stop.abort(reason) }) } })
    await assert.rejects(aborted, reason)
    assert.ok(pid > 0 && !isAlive(pid))
  })

  test('execute() rejects with what onSpawn throws, and ends the command', async () => {
    let pid = 0
    const failed = execute('sleep', ['300'], { onSpawn: (started) => { pid = started; throw new Error('not now') } })
    await assert.rejects(failed, { message: 'not now' })
    assert.ok(!isAlive(pid))
  })
}

function testInput(): void {
  test('execute() moves big input and both big outputs at once', async () => {
    const input = Buffer.alloc(BIG_BYTES, 'x')
    const { stdout, stderr } = await execute('tee', ['/proc/self/fd/2'], { processInput: input, encoding: 'buffer' }).catch(async () => await execute('tee >(cat >&2)', [], { shell: '/bin/bash', processInput: input, encoding: 'buffer' }))
    assert.ok(stdout.equals(input))
    assert.ok(stderr.equals(input))
  })

  test('execute() takes text, bytes, iterables and streams as input', async () => {
    async function* words(): AsyncGenerator<string> {
      for (const word of ['a', 'b', 'c']) {
        await nextTurn()
        yield word
      }
    }
    for (const processInput of ['abc', Buffer.from('abc'), words(), Readable.from(['a', 'bc'])]) {
      assert.equal((await execute('cat', [], { processInput })).stdout, 'abc')
    }
  })

  test('execute() takes a command that does not read its input for no failure', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) {
        await nextTurn()
        yield Buffer.alloc(100_000)
      }
    }
    for (const processInput of [Buffer.alloc(BIG_BYTES), endless(), Readable.from(endless())]) assert.equal((await execute('true', [], { processInput })).exitCode, 0)
    const silent = new PassThrough()
    assert.equal((await execute('true', [], { processInput: silent })).exitCode, 0)
    silent.destroy()
  })

  test('execute() stops the command when its input fails', async () => {
    const cause = Object.assign(new Error('no more'), { code: 'ECONNRESET' })
    async function* failing(): AsyncGenerator<string> {
      yield 'a'
      await nextTurn()
      throw cause
    }
    await assert.rejects(execute('sleep 300; cat', [], { shell: true, processInput: failing() }), { code: 'EXEC_INPUT_FAILED', cause })
  })

  test('execute() refuses to try again with input that can be read once only', async () => {
    await assert.rejects(execute('cat', [], { processInput: Readable.from(['a']), attempts: 2 }), TypeError)
    assert.equal((await execute('cat', [], { processInput: 'a', attempts: 2 })).stdout, 'a')
  })
}

function testStream(): void {
  test('stream() gives lines as bytes, across chunks, the last one without a newline too', async () => {
    const expected = Array.from({ length: 200_000 }, (_, index) => String(index + 1))
    const lines: string[] = []
    await using child = stream('seq 1 200000; echo; printf end', [], { shell: true, readBytes: 1_024 })
    for await (const line of child.lines()) lines.push(line.toString())
    assert.deepEqual(lines, [...expected, '', 'end'])
    assert.equal((await child.done).exitCode, 0)
  })

  test('stream() reads no faster than it is consumed', async () => {
    await using child = stream('yes', [], { readBytes: 65_536 })
    const iterator = child.stdout[Symbol.asyncIterator]()
    for (let turn = 0; turn < 1_000; turn++) await nextTurn()
    assert.ok(((await iterator.next()).value as Buffer).length <= 65_536)
    await child.kill()
    await assert.rejects(child.done, (error: ExecError) => error.code === 'EXEC_FAILED' && (error.result?.bytes.stdout ?? Infinity) <= 3 * 65_536)
  })

  test('stream() gives a slow consumer all that an ended command wrote', async () => {
    await using child = stream('head -c 100000 /dev/zero', [], { shell: true, readBytes: 1_024 })
    let bytes = 0
    for await (const chunk of child.stdout) {
      bytes += chunk.length
      if (bytes % 10 === 0) await nextTurn()
    }
    assert.equal(bytes, 100_000)
  })

  test('stream() throws a failure at the end of what is read', async () => {
    const read: string[] = []
    const reading = (async () => { for await (const line of stream('echo a; echo why >&2; exit 4', [], { shell: true }).lines()) read.push(line.toString()) })()
    await assert.rejects(reading, { code: 'EXEC_FAILED', message: /Stderr: "why\\n"/ })
    assert.deepEqual(read, ['a'])
    await assert.rejects(stream('no-such-command').pipeTo(new PassThrough()), { code: 'EXEC_NOT_FOUND' })
  })

  test('stream() takes it for no failure that its reader leaves early', async () => {
    await using child = stream('yes')
    for await (const line of child.lines()) {
      assert.equal(line.toString(), 'y')
      break
    }
    await child.done
  })

  test('stream() gives standard error beside standard output, and its tail', async () => {
    await using child = stream('seq 1 50000 >&2; echo out', [], { shell: true })
    const gather = async (chunks: AsyncIterable<Buffer>): Promise<string> => {
      let text = ''
      for await (const chunk of chunks) text += chunk.toString('latin1')
      return text
    }
    const [stdout, stderr, result] = await Promise.all([gather(child.stdout), gather(child.stderr), child.done])
    assert.equal(stdout, 'out\n')
    assert.equal(stderr, (await execute('seq', ['1', '50000'])).stdout)
    assert.equal(result.stderr, stderr.slice(-65_536))
    assert.equal(result.truncated.stderr, stderr.length - 65_536)
  })

  test('stream() has a stdin on request', async () => {
    await using child = stream('cat', [], { stdin: 'pipe' })
    child.stdin?.write('to and ')
    child.stdin?.end('fro')
    let text = ''
    for await (const chunk of child.stdout) text += chunk.toString()
    assert.equal(text, 'to and fro')
  })

  test('CommandStream.pipeTo() waits for a slow writable, and tells its failure', async () => {
    let bytes = 0
    const slow = new Writable({ write: (chunk: Buffer, _encoding, done) => { bytes += chunk.length; setImmediate(done) } })
    assert.equal((await stream('head', ['-c', '3000000', '/dev/zero']).pipeTo(slow)).bytes.stdout, 3_000_000)
    assert.equal(bytes, 3_000_000)
    const full = new Writable({ write: (_chunk, _encoding, done) => { done(Object.assign(new Error('full'), { code: 'ENOSPC' })) } })
    const child = stream('yes')
    await assert.rejects(child.pipeTo(full), (error) => codeOf(error) === 'ENOSPC')
    await child.done
  })

  test('CommandStream.kill() ends what nobody reads', async () => {
    const child = stream('yes')
    await child.kill()
    await assert.rejects(child.done, { code: 'EXEC_FAILED' })
    assert.deepEqual(running(), [])
  })

  test('stream() keeps to its deadline though nobody reads', async () => {
    await using child = stream('yes', [], { timeoutMs: 100 })
    await assert.rejects(child.done, { code: 'EXEC_TIMEOUT' })
  })
}
