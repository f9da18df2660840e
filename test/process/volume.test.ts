import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { LISTEN, startReady } from '../support/launcher.js'
import { notRun } from '../support/not-run.js'
import { kill, until } from '../support/processes.js'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const SERVICE = join(ROOT, 'dist/examples/volume/service.js')
const KILLS = 6

test('volume service: no acknowledged upload is lost and none is half while workers are killed', { timeout: 90_000 }, async (t) => {
  if (!existsSync('/proc/self/task')) return t.skip(notRun('volume service under kills', 'finding the workers takes /proc'))
  const directory = await mkdtemp(join(tmpdir(), 'volume-process-'))
  const launcher = launchIn(directory)
  try {
    const url = await urlOf(launcher)
    const done = new AbortController()
    const uploads = [0, 1, 2, 3].map((writer) => uploadUntil(done.signal, url, `volume-${writer}`))
    const flattening = flattenUntil(done.signal, url, [0, 1, 2, 3].map((writer) => `volume-${writer}`))
    for (let kills = 0; kills < KILLS; kills++) {
      await new Promise((resolve) => setTimeout(resolve, randomInt(300, 700)))
      const workers = childrenOf(launcher)
      const victim = workers[kills % Math.max(1, workers.length)]
      if (victim !== undefined) process.kill(victim, 'SIGKILL')
    }
    done.abort()
    assert.ok(await flattening > 0, 'nothing was ever flattened')
    for (const { name, possible, acknowledged } of await Promise.all(uploads)) {
      assert.ok(acknowledged > 0, `${name} was never stored`)
      const { status, headers, body } = await patiently('GET', `${url}/volumes/${name}`)
      assert.equal(status, 200)
      assert.equal(sha256(body), headers['x-volume-sha256'])
      assert.ok(possible.has(sha256(body)), `${name} is neither the last one acknowledged nor one sent since`)
    }
    launcher.kill('SIGTERM')
    assert.deepEqual(await once(launcher, 'exit'), [0, null])
  } finally {
    if (launcher.exitCode === null) {
      launcher.kill('SIGKILL')
      await once(launcher, 'exit')
    }
    await rm(directory, { recursive: true })
  }
})

test('volume service: the loop of a worker goes on while a volume is flattened, and all workers see the clone', { timeout: 60_000 }, async (t) => {
  const launcher = await startReady(t, ['--workers', '2', '--heartbeat-interval', '100ms', ...LISTEN, SERVICE], { env: { REEVE_VOLUME__FLATTEN_RATE: '8MiB' } })
  const volumes = `${await launcher.url()}/volumes`
  const body = randomBytes(8 * 2 ** 20)
  assert.equal((await ask('PUT', `${volumes}/a`, body)).status, 201)
  assert.equal((await ask('POST', `${volumes}/a/clone`, Buffer.from('{"to":"b"}'))).status, 201)

  let flattened: Answer | undefined
  const flattening = ask('POST', `${volumes}/b/flatten`).then((answer) => { flattened = answer })
  const delays: number[] = []
  for (let beats = 0; flattened === undefined; beats++) {
    const { workers } = await launcher.status()
    delays.push(...workers.map(({ loopDelayMs }) => loopDelayMs ?? 0))
    assert.equal((await ask('GET', `${volumes}/b`)).headers['x-volume-sha256'], sha256(body))
    assert.ok(beats < 100_000)
  }
  await flattening
  assert.equal(flattened.status, 200)
  // 24 MiB were read and written, which took 3 s: a loop that had done it would have been late by as much.
  assert.ok(delays.length > 0 && Math.max(...delays) < 2_000, `the loop was late by ${Math.max(...delays)} ms`)

  const whole = { size: body.length, sha256: sha256(body), stored: sha256(body) }
  const seenBy = new Set<number>()
  while (seenBy.size < 2) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 }) // one connection, and with it one worker
    const answer = async (path: string): Promise<Buffer> => (await ask('GET', new URL(path, volumes).href, undefined, agent)).body
    seenBy.add((JSON.parse((await answer('/health')).toString()) as { pid: number }).pid)
    for (const name of ['a', 'b']) assert.deepEqual(JSON.parse((await answer(`/volumes/${name}/checksum`)).toString()), { name, ...whole })
    assert.ok((await answer('/volumes/b?via=cat')).equals(body))
    agent.destroy()
  }
})

test('volume service: a clone that was acknowledged is there and whole after a kill in the middle of its flatten', { timeout: 60_000 }, async (t) => {
  const launcher = await startReady(t, ['--workers', '1', '--restart-intensity', '100', ...LISTEN, SERVICE], { env: { REEVE_VOLUME__FLATTEN_RATE: '8MiB' } })
  const volumes = `${await launcher.url()}/volumes`
  const body = randomBytes(2 * 2 ** 20)
  await ask('PUT', `${volumes}/a`, body)
  await ask('POST', `${volumes}/a/clone`, Buffer.from('{"to":"b"}'))
  const { mtimeMs } = statSync(join(launcher.folder, 'volumes/b'))
  const flattening = ask('POST', `${volumes}/b/flatten`).catch(() => undefined)
  await until('the first bytes over themselves', () => statSync(join(launcher.folder, 'volumes/b')).mtimeMs > mtimeMs)
  for (const pid of await launcher.pids()) kill(pid, 'SIGKILL')
  assert.equal(await flattening, undefined)
  const { status, body: kept } = await patiently('GET', `${volumes}/b`)
  assert.deepEqual([status, sha256(kept)], [200, sha256(body)])
  assert.equal((await patiently('POST', `${volumes}/b/flatten`)).status, 200)
})

interface Uploads {
  readonly name: string
  /** Digests of what may lie under the name: the last acknowledged body, and those sent after it without an answer. */
  readonly possible: ReadonlySet<string>
  readonly acknowledged: number
}

/** One writer, one upload after the other: each new body may be met by a kill. */
async function uploadUntil(signal: AbortSignal, url: string, name: string): Promise<Uploads> {
  let possible = new Set<string>()
  let acknowledged = 0
  while (!signal.aborted) {
    const body = randomBytes(randomInt(1, 2_000_000))
    possible.add(sha256(body))
    const answer = await ask('PUT', `${url}/volumes/${name}`, body).catch(() => undefined) // its worker was killed
    if (answer === undefined) continue
    assert.ok(answer.status === 200 || answer.status === 201, `PUT was answered ${answer.status}`)
    possible = new Set([sha256(body)])
    acknowledged++
  }
  return { name, possible, acknowledged }
}

/** Flattens them in turn, under the uploads of whichever worker. Gives how many were. */
async function flattenUntil(signal: AbortSignal, url: string, names: readonly string[]): Promise<number> {
  let flattened = 0
  for (let turn = 0; !signal.aborted; turn++) {
    const answer = await ask('POST', `${url}/volumes/${names[turn % names.length]}/flatten`).catch(() => undefined) // its worker was killed
    if (answer?.status === 200) flattened++
    else assert.ok(answer === undefined || answer.status === 404, `a flatten was answered ${answer?.status}`)
  }
  return flattened
}

/** Again when the worker that had the connection was killed. */
async function patiently(method: string, url: string): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(method, url)
    } catch (error) {
      if (attempt === 20) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

async function ask(method: string, url: string, body?: Buffer, agent: Agent | false = false): Promise<Answer> {
  const asked = request(url, { method, agent })
  asked.end(body)
  const [response] = await once(asked, 'response') as [IncomingMessage]
  return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) }
}

function launchIn(directory: string): ChildProcess {
  const flags = ['--workers', '2', '--listen', 'http=tcp://127.0.0.1:0', '--control', join(directory, 'control.sock'), '--restart-intensity', '100']
  const command = [join(ROOT, 'dist/cli/bin.cjs'), 'run', ...flags, SERVICE]
  return spawn(process.execPath, command, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Where the launcher says that it listens, once all workers are ready. */
async function urlOf(launcher: ChildProcess): Promise<string> {
  let output = ''
  const ready = new Promise<string>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      output += chunk.toString()
      const port = /tcp:\/\/127\.0\.0\.1:([1-9]\d*)/.exec(output)?.[1]
      if (port !== undefined && /workers are ready/.test(output)) resolve(`http://127.0.0.1:${port}`)
    }
    launcher.stdout?.on('data', onData)
    launcher.stderr?.on('data', onData)
    launcher.once('exit', () => reject(new Error(`the launcher ended: ${output}`)))
  })
  return await ready
}

function childrenOf({ pid }: ChildProcess): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
