import assert from 'node:assert/strict'
import { chmodSync, lstatSync, mkdirSync, symlinkSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { controlDirectory, defaultControlPath, ensureControlDirectory, findControlPaths } from '#src/admin/control-path.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const OWN = `reeve-${process.getuid?.() ?? 0}`

test('controlDirectory() is RUNTIME_DIRECTORY, else XDG_RUNTIME_DIR/reeve, else a folder of one\'s own', () => {
  const env = { RUNTIME_DIRECTORY: '/run/shop', XDG_RUNTIME_DIR: '/run/user/7' }
  assert.equal(controlDirectory(env), '/run/shop')
  assert.equal(controlDirectory({ ...env, RUNTIME_DIRECTORY: '' }), '/run/user/7/reeve')
  assert.equal(controlDirectory({}), join(os.tmpdir(), OWN))
})

test('controlDirectory() is the first where systemd gives several', () => {
  assert.equal(controlDirectory({ RUNTIME_DIRECTORY: '/run/shop:/run/other' }), '/run/shop')
})

test('defaultControlPath() is NAME.sock in it', () => {
  assert.equal(defaultControlPath({ RUNTIME_DIRECTORY: '/run/shop' }, 'api'), '/run/shop/api.sock')
})

test('ensureControlDirectory() makes what is missing, for this user alone', (context) => {
  const folder = join(temporaryFolder(context), 'a', OWN)
  ensureControlDirectory(join(folder, 'api.sock'))
  assert.equal(lstatSync(folder).mode & 0o777, 0o700)
  ensureControlDirectory(join(folder, 'api.sock'))
})

test('ensureControlDirectory() refuses a folder in the shared one into which others could write', (context) => {
  const folder = join(temporaryFolder(context), OWN)
  mkdirSync(folder)
  for (const mode of [0o777, 0o770, 0o702]) {
    chmodSync(folder, mode)
    assert.throws(() => ensureControlDirectory(join(folder, 'api.sock')), { code: 'CONTROL_FAILED', message: `Cannot put the control socket into "${folder}" as the folder is not this user's alone: use --control PATH` })
  }
})

test('ensureControlDirectory() refuses a link that somebody else may have put there', (context) => {
  const folder = temporaryFolder(context)
  mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 })
  symlinkSync(join(folder, 'elsewhere'), join(folder, OWN))
  assert.throws(() => ensureControlDirectory(join(folder, OWN, 'api.sock')), { code: 'CONTROL_FAILED' })
})

test('ensureControlDirectory() leaves a folder that was chosen as it is', (context) => {
  const folder = join(temporaryFolder(context), 'chosen')
  mkdirSync(folder)
  chmodSync(folder, 0o777)
  ensureControlDirectory(join(folder, 'api.sock'))
})

test('ensureControlDirectory() throws CONTROL_FAILED where it cannot be made', (context) => {
  const folder = temporaryFolder(context, { file: '' })
  assert.throws(() => ensureControlDirectory(join(folder, 'file/below/api.sock')), { code: 'CONTROL_FAILED', message: /^Cannot put the control socket into ".*\/file\/below" as the system refuses: / })
})

test('findControlPaths() gives the sockets of the default folder, sorted', (context) => {
  const folder = temporaryFolder(context, { 'b.sock': '', 'a.sock': '', 'a.pid': '' })
  assert.deepEqual(findControlPaths({ RUNTIME_DIRECTORY: folder }), [join(folder, 'a.sock'), join(folder, 'b.sock')])
})

test('findControlPaths() gives none where there is no folder', (context) => {
  assert.deepEqual(findControlPaths({ RUNTIME_DIRECTORY: join(temporaryFolder(context), 'missing') }), [])
})
