import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { findModule } from '#src/launcher/module-path.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

test('findModule() finds a file as it is written, from the folder it is given', (context) => {
  const folder = temporaryFolder(context, { 'a/service.mjs': '' })
  assert.equal(findModule('a/service.mjs', folder), join(folder, 'a/service.mjs'))
  assert.equal(findModule('./a/service.mjs', folder), join(folder, 'a/service.mjs'))
  assert.equal(findModule('../service.mjs', join(folder, 'a/b')), join(folder, 'a/service.mjs'))
  assert.equal(findModule(join(folder, 'a/service.mjs'), '/'), join(folder, 'a/service.mjs'))
})

for (const ending of ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']) {
  test(`findModule() finds a file whose ending "${ending}" was left out, and the index of a folder`, (context) => {
    const folder = temporaryFolder(context, { [`service${ending}`]: '', [`api/index${ending}`]: '' })
    assert.equal(findModule('./service', folder), join(folder, `service${ending}`))
    assert.equal(findModule('./api', folder), join(folder, `api/index${ending}`))
  })
}

test('findModule() prefers a file to a folder of that name, and .js to other endings', (context) => {
  const folder = temporaryFolder(context, { 'api.js': '', 'api.ts': '', 'api/index.js': '' })
  assert.equal(findModule('./api', folder), join(folder, 'api.js'))
})

test('findModule() finds a package that the working directory can require', (context) => {
  const folder = temporaryFolder(context, {
    'node_modules/some-service/package.json': '{"name":"some-service","main":"lib/main.js"}',
    'node_modules/some-service/lib/main.js': '',
  })
  assert.equal(findModule('some-service', folder), join(folder, 'node_modules/some-service/lib/main.js'))
})

test('findModule() takes the main file of a folder that is a package', (context) => {
  const folder = temporaryFolder(context, { 'api/package.json': '{"main":"lib/main.js"}', 'api/lib/main.js': '' })
  assert.equal(findModule('./api', folder), join(folder, 'api/lib/main.js'))
})

test('findModule() throws for what is nowhere, and says where it looked', (context) => {
  const folder = temporaryFolder(context, { 'empty/readme.md': '' })
  for (const module of ['./missing.js', 'missing', './empty', './empty/readme']) {
    assert.throws(() => findModule(module, folder), { code: 'MODULE_MISSING', message: `Cannot run "${module}" as there is no such module: ${join(folder, module)}` })
  }
})
