import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { takePidFile } from '#src/launcher/pid-file.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const OWN = `${process.pid}\n`

test('takePidFile() writes this process as one line, and leaves nothing else behind', (context) => {
  const folder = temporaryFolder(context)
  const file = takePidFile(join(folder, 'a.pid'))
  assert.equal(readFileSync(join(folder, 'a.pid'), 'utf8'), OWN)
  assert.deepEqual(readdirSync(folder), ['a.pid'])
  file.remove()
  assert.deepEqual(readdirSync(folder), [])
})

test('takePidFile() refuses that of a living process', (context) => {
  const path = join(temporaryFolder(context, { 'a.pid': `${process.ppid}\n` }), 'a.pid')
  assert.throws(() => takePidFile(path), {
    code: 'PID_FILE_IN_USE', details: { pid: process.ppid }, message: `Cannot take the pid file "${path}" as the launcher that wrote it is running: pid ${process.ppid}`,
  })
  assert.equal(readFileSync(path, 'utf8'), `${process.ppid}\n`)
})

test("takePidFile() refuses that of another user's process", (context) => {
  const path = join(temporaryFolder(context, { 'a.pid': '1\n' }), 'a.pid')
  assert.throws(() => takePidFile(path), { code: 'PID_FILE_IN_USE' })
})

test('takePidFile() takes over that of a dead process', async (context) => {
  const child = spawn('true')
  await once(child, 'exit')
  const path = join(temporaryFolder(context, { 'a.pid': `${child.pid}\n` }), 'a.pid')
  takePidFile(path)
  assert.equal(readFileSync(path, 'utf8'), OWN)
})

test('takePidFile() takes over that of a zombie', { skip: process.platform !== 'linux' }, async (context) => {
  // A shell that stopped cannot reap its child, which has ended.
  const shell = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; kill -STOP $$'], { stdio: ['ignore', 'pipe', 'inherit'] })
  context.after(() => shell.kill('SIGKILL'))
  const [line] = await once(shell.stdout, 'data') as [Buffer]
  const zombie = String(line).trim()
  const stateOf = (): string => readFileSync(`/proc/${zombie}/stat`, 'utf8').split(' ')[2] ?? ''
  while (stateOf() !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5))
  const path = join(temporaryFolder(context, { 'a.pid': `${zombie}\n` }), 'a.pid')
  takePidFile(path)
  assert.equal(readFileSync(path, 'utf8'), OWN)
})

test('takePidFile() takes over that of a process that is younger than the file: it has only inherited the number', { skip: process.platform !== 'linux' }, (context) => {
  const path = join(temporaryFolder(context, { 'a.pid': `${process.ppid}\n` }), 'a.pid')
  utimesSync(path, new Date(0), new Date(0))
  takePidFile(path)
  assert.equal(readFileSync(path, 'utf8'), OWN)
})

for (const text of ['', 'rubbish', '-1', '0', '1.5', OWN]) {
  test(`takePidFile() takes over one that holds ${JSON.stringify(text === OWN ? 'its own pid' : text)}`, (context) => {
    const path = join(temporaryFolder(context, { 'a.pid': text }), 'a.pid')
    takePidFile(path)
    assert.equal(readFileSync(path, 'utf8'), OWN)
  })
}

test('takePidFile() throws when it cannot be written, and leaves nothing behind', (context) => {
  const folder = temporaryFolder(context)
  assert.throws(() => takePidFile(join(folder, 'missing/a.pid')), { code: 'PID_FILE_FAILED' })
  mkdirSync(join(folder, 'a.pid'))
  assert.throws(() => takePidFile(join(folder, 'a.pid')), { code: 'PID_FILE_FAILED' })
  assert.deepEqual(readdirSync(folder), ['a.pid'])
})

test('PidFile.remove() leaves a file that is another process\'s by now, and does not mind that it is gone', (context) => {
  const path = join(temporaryFolder(context), 'a.pid')
  const file = takePidFile(path)
  writeFileSync(path, '1\n')
  file.remove()
  assert.equal(readFileSync(path, 'utf8'), '1\n')
  writeFileSync(path, OWN)
  file.remove()
  file.remove()
})
