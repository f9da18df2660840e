import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sourceFacts } from '../support/source-facts.js'
import { breaches, type Tree } from '../support/tree-rules.js'

const ROOT = join(import.meta.dirname, '../../..')
const SOURCE = /\.[cm]?ts$/

async function readTree(): Promise<Tree> {
  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { exports: Record<string, string> }
  const paths = (await readdir(join(ROOT, 'src'), { recursive: true })).filter((path) => SOURCE.test(path)).sort()
  const texts = await Promise.all(paths.map((path) => readFile(join(ROOT, 'src', path), 'utf8')))
  return {
    files: new Map(paths.map((path, index) => [path, texts[index] ?? ''])),
    publicEntries: Object.keys(exports).map((entry) => entry.replace(/^\./, 'reeve')),
  }
}

test('src keeps to its layers and its rules', async () => {
  const tree = await readTree()
  assert.ok(tree.files.size > 10, `only ${tree.files.size} files found`)
  assert.deepEqual(breaches(tree), [])
})

/** The breaches of a made-up tree. */
function check(files: Readonly<Record<string, string>>): readonly string[] {
  return breaches({ files: new Map(Object.entries(files)), publicEntries: ['reeve', 'reeve/log'] })
}

describe('breaches()', () => {
  const clock = { 'base/clock.ts': 'export const now = 1' }

  test('is empty for a tree in order', () => {
    assert.deepEqual(check({
      ...clock,
      'base/timer.ts': "import { now } from './clock.js'",
      'log/logger.ts': "import type { now } from '../base/clock.js'",
      'log/index.ts': "export { log } from './logger.js'",
      'worker/main.ts': "import { log } from '../log/logger.js'",
      'index.ts': "export { now } from './base/clock.js'",
      'examples/a/service.ts': "import { now } from 'reeve'\nimport { log } from 'reeve/log'\nimport './b.js'\nimport 'express'",
      'examples/a/b.ts': "import 'node:fs'",
    }), [])
  })

  const importForms = [
    "import { a } from '../launcher/a.js'",
    "import '../launcher/a.js'",
    "import type { a } from '../launcher/a.js'",
    "import { type a } from '../launcher/a.js'",
    "export { a } from '../launcher/a.js'; const b = 1",
    "export type { a } from '../launcher/a.js'; const b = 1",
    "const a = await import('../launcher/a.js')",
    'const a = await import(`../launcher/a.js`)',
    "type A = typeof import('../launcher/a.js')",
    "type A = import('../launcher/a.js').A",
    "import a = require('../launcher/a.js')",
    "const a = require('../launcher/a.js')",
    "const a = createRequire(import.meta.url)('../launcher/a.js')",
    "const load = createRequire(import.meta.url); load('../launcher/a.js')",
    "require.resolve('../launcher/a.js')",
  ]
  for (const form of importForms) {
    test(`sees ${form}`, () => {
      assert.deepEqual(check({ 'worker/w.ts': form, 'launcher/a.ts': '' }), ['worker/w.ts: worker may not import launcher/a.ts'])
    })
  }

  test('is not misled by comments and strings', () => {
    const text = "// import '../launcher/a.js'\nconst text = \"import '../launcher/a.js'\"\nconst url = new URL('../launcher/a.js', import.meta.url)"
    assert.deepEqual(check({ 'worker/w.ts': text, 'launcher/a.ts': '' }), [])
  })

  test('refuses imports upwards and sideways, in both directions', () => {
    const pairs = [['base', 'log'], ['log', 'config'], ['ipc', 'launcher'], ['launcher', 'worker'], ['worker', 'launcher'], ['cli', 'examples']]
    for (const [from, to] of pairs) {
      assert.deepEqual(check({ [`${from}/a.ts`]: `import '../${to}/b.js'`, [`${to}/b.ts`]: '' }), [`${from}/a.ts: ${from} may not import ${to}/b.ts`])
    }
  })

  test('refuses a folder that is in no layer, and a file that is not there', () => {
    assert.deepEqual(check({ 'stuff/a.ts': '' }), ['stuff/a.ts: the folder "stuff" is in no layer'])
    assert.deepEqual(check({ 'base/a.ts': "import './gone.js'" }), ['base/a.ts: imports "./gone.js", which is no file of src'])
  })

  test('lets only the command and the loader of coordination load what the build has bundled', () => {
    const text = "const main = require('../boot/launcher.cjs')"
    assert.deepEqual(check({ 'cli/bin.cts': text }), [])
    assert.deepEqual(check({ 'coordination/load.ts': text }), [])
    assert.deepEqual(check({ 'log/a.ts': text }), ['log/a.ts: imports "../boot/launcher.cjs", which is no file of src'])
  })

  test('lets examples import the public entries only', () => {
    assert.deepEqual(check({ ...clock, 'examples/a.ts': "import '../base/clock.js'" }), ['examples/a.ts: examples may not import base/clock.ts'])
    assert.deepEqual(check({ 'examples/a.ts': "import 'reeve/secret'" }), ['examples/a.ts: may not import "reeve/secret"'])
    assert.deepEqual(check({ 'examples/a.ts': "import '#src/base/clock.js'" }), ['examples/a.ts: may not import "#src/base/clock.js"'])
  })

  test('lets nothing but examples import the package by its name', () => {
    assert.deepEqual(check({ 'cli/a.ts': "import 'reeve'" }), ['cli/a.ts: may not import "reeve"'])
  })

  test('refuses to import an index.ts, and the package\'s own from below', () => {
    const files = { ...clock, 'log/logger.ts': '', 'log/index.ts': "export { log } from './logger.js'" }
    assert.deepEqual(check({ ...files, 'worker/w.ts': "import '../log/index.js'" }), ['worker/w.ts: imports log/index.ts, not the concrete file'])
    assert.deepEqual(check({ ...files, 'index.ts': 'export {}', 'cli/c.ts': "import '../index.js'" }), [
      'cli/c.ts: imports index.ts, not the concrete file', 'cli/c.ts: cli may not import index.ts',
    ])
  })

  test('finds rings of files, of types too, each once', () => {
    assert.deepEqual(check({
      'base/c.ts': "import type { A } from './a.js'", 'base/a.ts': "import './b.js'", 'base/b.ts': "import './c.js'", 'base/d.ts': "import './b.js'",
    }), ['base/a.ts: imports itself: base/a.ts → base/b.ts → base/c.ts → base/a.ts'])
    assert.deepEqual(check({ 'base/a.ts': "import './a.js'" }), ['base/a.ts: imports itself: base/a.ts → base/a.ts'])
  })

  test('refuses a file of more than 400 lines', () => {
    assert.deepEqual(check({ 'base/a.ts': '\n'.repeat(400) }), [])
    assert.deepEqual(check({ 'base/a.ts': '\n'.repeat(401) }), ['base/a.ts: 401 lines, more than 400'])
  })

  test('refuses names that are not kebab-case or say nothing', () => {
    assert.deepEqual(check({ 'base/myClock.ts': '' }), ['base/myClock.ts: "myClock" is not kebab-case'])
    assert.deepEqual(check({ 'base/my_clock.ts': '' }), ['base/my_clock.ts: "my_clock" is not kebab-case'])
    for (const name of ['utils', 'helpers', 'common', 'types']) {
      assert.deepEqual(check({ [`base/${name}.ts`]: '' }), [`base/${name}.ts: "${name}" names no concept`])
      assert.deepEqual(check({ [`base/${name}/a.ts`]: '' }), [`base/${name}/a.ts: "${name}" names no concept`])
    }
  })

  test('refuses barrels, an index.ts that is no public entry, and export *', () => {
    const barrel = "import './a.js'\nexport { a } from './a.js'"
    assert.deepEqual(check({ 'base/a.ts': '', 'base/all.ts': barrel }), ['base/all.ts: a barrel: only an index.ts does nothing but re-export'])
    assert.deepEqual(check({ 'base/a.ts': '', 'base/index.ts': barrel }), ['base/index.ts: an index.ts that is no public entry'])
    assert.deepEqual(check({ 'log/a.ts': '', 'log/index.ts': "export * from './a.js'" }), ['log/index.ts: export * hides what is exported'])
  })

  test('refuses error codes with other names', () => {
    assert.deepEqual(check({ 'base/a.ts': "throw new CodedError('lockLost', '')" }), ['base/a.ts: the error code "lockLost" is not UPPER_SNAKE_CASE'])
    assert.deepEqual(check({ 'base/a.ts': "throw new CodedError('LOCK_LOST', '')" }), [])
  })
})

test('sourceFacts() takes a file with a statement of its own for no barrel', () => {
  assert.equal(sourceFacts('a.ts', "export { a } from './a.js'; const b = 1").isBarrel, false)
  assert.equal(sourceFacts('a.ts', '').isBarrel, false)
})
