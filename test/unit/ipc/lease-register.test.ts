import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { LeaseRegister, openLeaseRegister, readLeaseRegister } from '#src/ipc/lease-register.js'

test('openLeaseRegister() makes a file without a name, also where the first folder is missing', () => {
  const fd = openLeaseRegister(['/nowhere', '/tmp'])
  assert.equal(fstatSync(fd).nlink, 0)
  assert.equal(fstatSync(fd).mode & 0o777, 0o600)
  closeSync(fd)
  assert.throws(() => openLeaseRegister(['/nowhere']), { code: 'ENOENT' })
})

test('readLeaseRegister() gives what was noted, the newest of each slot', () => {
  const fd = openLeaseRegister()
  const register = new LeaseRegister(fd)
  const first = register.note('lock:a rather long name', 'h/volume/0#1.a.1')
  const second = register.note('lock:b', 'h/volume/0#1.a.2')
  register.clear(first)
  assert.equal(register.note('lock:ü', 'h/volume/0#1.a.3'), first)
  assert.notEqual(second, first)
  assert.deepEqual(readLeaseRegister(fd), [{ name: 'lock:ü', id: 'h/volume/0#1.a.3' }, { name: 'lock:b', id: 'h/volume/0#1.a.2' }])
})

test('readLeaseRegister() of a worker that noted nothing is empty', () => {
  assert.deepEqual(readLeaseRegister(openLeaseRegister()), [])
})

test('readLeaseRegister() takes names of the greatest length', () => {
  const fd = openLeaseRegister()
  const [name, id] = [`leader:${'n'.repeat(512)}`, `${'m'.repeat(512)}#4194304.ffffffff.9007199254740991`]
  const register = new LeaseRegister(fd)
  register.note(name, id)
  register.note('lock:x', 'y#1.1.1')
  assert.deepEqual(readLeaseRegister(fd), [{ name, id }, { name: 'lock:x', id: 'y#1.1.1' }])
})

test('readLeaseRegister() finds what a process noted that was killed', async () => {
  const fd = openLeaseRegister()
  const module = fileURLToPath(import.meta.resolve('#src/ipc/lease-register.js'))
  const program = `
    const { LeaseRegister } = await import(${JSON.stringify(module)})
    new LeaseRegister(3).note('lock:volume', 'h/volume/0#7.b.1')
    process.kill(process.pid, 'SIGKILL')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'inherit', 'inherit', fd] })
  const [, signal] = await once(child, 'exit') as [number | null, string | null]
  assert.equal(signal, 'SIGKILL')
  assert.deepEqual(readLeaseRegister(fd), [{ name: 'lock:volume', id: 'h/volume/0#7.b.1' }])
})
