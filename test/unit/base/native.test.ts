import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { codeOf } from '#src/base/errors.js'
import { loadNative } from '#src/base/native.js'
import { receiveDatagrams } from '../../support/datagram-receiver.js'
import { isAlive, until } from '../../support/processes.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const NATIVE = new URL(import.meta.resolve('#src/base/native.js')).href
const native = loadNative()

test('loadNative() gives the same each time', () => {
  assert.ok(native, 'koffi is prebuilt for the machines that run the tests')
  assert.equal(loadNative(), native)
})

test('loadNative() is undefined where REEVE_NO_NATIVE is 1', () => {
  const program = `console.log((await import('${NATIVE}')).loadNative() === undefined)`
  const told = execFileSync(process.execPath, ['--input-type=module', '-e', program], { env: { REEVE_NO_NATIVE: '1' }, encoding: 'utf8' })
  assert.equal(told, 'true\n')
})

test('Native.listen() throws with the code of the kernel', () => {
  const fd = openSync('/dev/null', 'r')
  try {
    assert.throws(() => native?.listen(fd, 1), { code: 'ENOTSOCK', syscall: 'listen', message: 'listen: ENOTSOCK' })
  } finally {
    closeSync(fd)
  }
})

test('Native.sendDatagram() sends one datagram, whole and in UTF-8', async (context) => {
  const path = join(temporaryFolder(context), 'socket')
  await using receiver = await receiveDatagrams(path)
  native?.sendDatagram(path, 'STATUS=grün\nREADY=1')
  assert.equal(await receiver.next(), 'STATUS=grün\nREADY=1')
})

test('Native.sendDatagram() throws with the code of the kernel, and leaves no descriptor open', (context) => {
  const path = join(temporaryFolder(context), 'nobody')
  const nextFd = (): number => {
    const fd = openSync('/dev/null', 'r')
    closeSync(fd)
    return fd
  }
  const before = nextFd()
  assert.throws(() => native?.sendDatagram(path, 'READY=1'), (error) => codeOf(error) === 'ENOENT')
  assert.throws(() => native?.sendDatagram(`/${'a'.repeat(200)}`, 'READY=1'), (error) => codeOf(error) === 'EINVAL')
  assert.equal(nextFd(), before)
})

test('Native.dieWithParent() has the kernel kill a process whose event loop hangs', { skip: process.platform !== 'linux' }, async () => {
  const program = `(await import('${NATIVE}')).loadNative().dieWithParent(); console.log(process.pid); for (;;);`
  const parent = spawn('/bin/sh', ['-c', '"$0" --input-type=module -e "$1" & wait', process.execPath, program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: parent.stdout }), 'line') as [string]
  const pid = Number(line)
  assert.ok(isAlive(pid))
  parent.kill('SIGKILL')
  await until('the end of the child', () => !isAlive(pid))
})

test('Native.openPipe() gives a pipe of the size asked for, which no child inherits', { skip: process.platform !== 'linux' }, () => {
  assert.ok(native)
  const { readFd, writeFd } = native.openPipe(2 ** 20)
  try {
    for (const fd of [readFd, writeFd]) assert.equal(Number.parseInt(/^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8) & 0o2000000, 0o2000000)
    const sent = Buffer.alloc(2 ** 16 + 1, 'x')
    assert.equal(writeSync(writeFd, sent), sent.length, 'more than the default size does not block')
    assert.equal(readSync(readFd, Buffer.alloc(sent.length)), sent.length)
  } finally {
    for (const fd of [readFd, writeFd]) closeSync(fd)
  }
})

test('Native.adviseHugePages() leaves the contents alone, and takes any memory', () => {
  for (const size of [0, 1, 5_000, 9_000_000]) {
    const memory = Buffer.alloc(size, 'x')
    native?.adviseHugePages(memory)
    assert.ok(memory.every((byte) => byte === 0x78))
  }
})
