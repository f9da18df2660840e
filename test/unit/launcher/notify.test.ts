import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { codeOf } from '#src/base/errors.js'
import { Notifier } from '#src/launcher/notify.js'
import { receiveDatagrams } from '../../support/datagram-receiver.js'
import { notRun } from '../../support/not-run.js'

let folder: string
before(async () => { folder = await mkdtemp(join(tmpdir(), 'reeve-notify-')) })
after(() => rm(folder, { recursive: true }))

function unexpected(error: unknown): void {
  throw error
}

function notifierAt(socket: string): Notifier {
  return new Notifier({ NOTIFY_SOCKET: socket }, unexpected)
}

test('Notifier sends each verb as one datagram, in order, to a path', async () => {
  const socket = join(folder, 'verbs')
  await using receiver = await receiveDatagrams(socket)
  const notifier = notifierAt(socket)
  notifier.status('0/2 ready')
  notifier.ready()
  notifier.extendTimeout(1_500)
  notifier.mainPid(4_711)
  notifier.stopping()
  const received: string[] = []
  for (let count = 0; count < 5; count++) received.push(await receiver.next())
  assert.deepEqual(received, ['STATUS=0/2 ready', 'READY=1', 'EXTEND_TIMEOUT_USEC=1500000', 'MAINPID=4711', 'STOPPING=1'])
})

test('Notifier sends to an abstract name', async () => {
  const socket = `@reeve-notify-${process.pid}`
  await using receiver = await receiveDatagrams(socket)
  notifierAt(socket).ready()
  assert.equal(await receiver.next(), 'READY=1')
})

test('Notifier.reloading() carries CLOCK_MONOTONIC in µs in the same datagram', async () => {
  const socket = join(folder, 'reloading')
  await using receiver = await receiveDatagrams(socket)
  const before = process.hrtime.bigint() / 1_000n
  notifierAt(socket).reloading()
  const after = process.hrtime.bigint() / 1_000n
  const at = /^RELOADING=1\nMONOTONIC_USEC=([0-9]+)$/.exec(await receiver.next())?.[1] ?? '-1'
  assert.ok(before <= BigInt(at) && BigInt(at) <= after, `${before} <= ${at} <= ${after}`)
})

test('Notifier.status() cannot smuggle in another variable', async () => {
  const socket = join(folder, 'status')
  await using receiver = await receiveDatagrams(socket)
  notifierAt(socket).status('boot failed:\r\nMAINPID=1\n')
  assert.equal(await receiver.next(), 'STATUS=boot failed: MAINPID=1')
})

test('Notifier removes from the environment what workers must not inherit', () => {
  const env = { NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '1', WATCHDOG_PID: '2', PATH: '/bin' }
  void new Notifier(env, unexpected)
  assert.deepEqual(env, { PATH: '/bin' })
})

test('Notifier does nothing without NOTIFY_SOCKET', async () => {
  for (const env of [{}, { NOTIFY_SOCKET: '' }]) {
    const notifier = new Notifier(env, unexpected)
    notifier.ready()
    notifier.reloading()
    await notifier.flush()
  }
})

test('Notifier tells of the first failure to send only, and never throws', () => {
  const errors: unknown[] = []
  const notifier = new Notifier({ NOTIFY_SOCKET: join(folder, 'nobody') }, (error) => errors.push(error))
  notifier.ready()
  notifier.stopping()
  assert.deepEqual(errors.map(codeOf), ['ENOENT'])
})

test('Notifier refuses a socket that is neither a path nor an abstract name', () => {
  const errors: unknown[] = []
  new Notifier({ NOTIFY_SOCKET: 'vsock:2:1234' }, (error) => errors.push(error)).ready()
  assert.deepEqual(errors.map(codeOf), ['NOTIFY_FAILED'])
})

/** What a program does with a Notifier in a process where koffi is not loaded. */
async function runWithoutNative(socket: string, path: string, verbs: string): Promise<string> {
  const module = import.meta.resolve('#src/launcher/notify.js')
  const program = `
    import { Notifier } from '${module}'
    const env = { PATH: process.env.PATH, NOTIFY_SOCKET: '${socket}' }
    const notifier = new Notifier(env, (error) => console.log(error.code))
    ${verbs}
    console.log('not blocked')
    await notifier.flush()
    console.log('flushed')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { PATH: path, REEVE_NO_NATIVE: '1' }, stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
  await once(child, 'close')
  return output
}

const withCommand = { skip: existsSync('/usr/bin/systemd-notify') ? false : notRun('notifying by systemd-notify', 'it is not installed') }

test('Notifier sends in order by systemd-notify where koffi cannot be loaded', withCommand, async () => {
  const socket = join(folder, 'command')
  await using receiver = await receiveDatagrams(socket)
  const output = await runWithoutNative(socket, '/usr/bin', "notifier.reloading(); notifier.status('1/2 ready'); notifier.ready()")
  assert.equal(output, 'not blocked\nflushed\n')
  const received: string[] = []
  while (received.length < 3) {
    const datagram = (await receiver.next()).trimEnd()
    if (datagram !== 'BARRIER=1') received.push(datagram)
  }
  assert.match(received[0] ?? '', /^RELOADING=1\nMONOTONIC_USEC=[0-9]+$/)
  assert.deepEqual(received.slice(1), ['STATUS=1/2 ready', 'READY=1'])
})

test('Notifier tells once that systemd-notify is missing', async () => {
  const output = await runWithoutNative(join(folder, 'nobody'), '/nonexistent', 'notifier.ready(); notifier.stopping()')
  assert.equal(output, 'not blocked\nNOTIFY_FAILED\nflushed\n')
})
