import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ServiceContext } from '#src/service/contract.js'
import { loadModule, type LoadedModule } from '#src/worker/load-service.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const serviceContext = { workerId: 3 } as ServiceContext

function load(context: TestContext, name: string, text: string, beside: Readonly<Record<string, string>> = {}): Promise<LoadedModule> {
  return loadModule(join(temporaryFolder(context, { [name]: text, ...beside }), name))
}

/** What the service that the module makes says of itself when it starts. */
async function startOf(loaded: LoadedModule): Promise<unknown> {
  assert.equal(loaded.kind, 'service')
  return loaded.kind === 'service' ? await (await loaded.make(serviceContext)).start() : undefined
}

const services: readonly (readonly [string, string, string, Readonly<Record<string, string>>?])[] = [
  ['a factory', 'a.mjs', 'export default ({ workerId }) => ({ start: () => workerId })'],
  ['an async factory', 'a.mjs', 'export default async ({ workerId }) => ({ start: () => workerId })'],
  ['a named function', 'a.mjs', 'export default function make({ workerId }) { return { start: () => workerId } }'],
  ['a class', 'a.mjs', 'export default class Api { constructor({ workerId }) { this.workerId = workerId } start() { return this.workerId } }'],
  ['a class without a name', 'a.mjs', 'export default class { constructor({ workerId }) { this.workerId = workerId } start() { return this.workerId } }'],
  ['a derived class', 'a.mjs', 'class Base { constructor({ workerId }) { this.workerId = workerId } }\nexport default class Api extends Base { start() { return this.workerId } }'],
  ['a function whose name begins with class', 'a.mjs', 'function classify({ workerId }) { return { start: () => workerId } }\nexport { classify as default }'],
  ['an object', 'a.mjs', 'export default { workerId: 3, start() { return this.workerId } }'],
  ['an object of a class', 'a.mjs', 'class Api { start() { return 3 } }\nexport default new Api()'],
  ['a module with an await at its top', 'a.mjs', 'const workerId = await Promise.resolve(3)\nexport default () => ({ start: () => workerId })'],
  ['module.exports, a factory', 'a.cjs', 'module.exports = ({ workerId }) => ({ start: () => workerId })'],
  ['module.exports, a class', 'a.cjs', 'module.exports = class { constructor({ workerId }) { this.workerId = workerId } start() { return this.workerId } }'],
  ['module.exports, an object', 'a.cjs', 'module.exports = { start: () => 3 }'],
  ['exports.start', 'a.cjs', 'exports.start = () => 3'],
  ['exports.default, as a compiler writes it', 'a.cjs', 'Object.defineProperty(exports, "__esModule", { value: true })\nexports.default = ({ workerId }) => ({ start: () => workerId })'],
  ['exports.default, without the mark', 'a.cjs', 'exports.default = ({ workerId }) => ({ start: () => workerId })'],
  ['an import of a compiled module', 'a.mjs', "export { default } from './b.cjs'", { 'b.cjs': 'Object.defineProperty(exports, "__esModule", { value: true })\nexports.default = () => ({ start: () => 3 })' }],
  ['.js without a package.json, CommonJS', 'a.js', 'module.exports = () => ({ start: () => 3 })'],
  ['.js without a package.json, ESM', 'a.js', "import 'node:fs'\nexport default () => ({ start: () => 3 })"],
  ['.js with a hashbang and a return at its top', 'a.js', '#!/usr/bin/env node\nmodule.exports = () => ({ start: () => 3 })\nreturn'],
  ['.js of a package of type module', 'a.js', 'export default () => ({ start: () => 3 })', { 'package.json': '{"type":"module"}' }],
  ['.js of a package of type commonjs', 'a.js', 'module.exports = () => ({ start: () => 3 })', { 'package.json': '{"type":"commonjs"}' }],
  ['.js of a package without a type, ESM', 'a.js', 'export default () => ({ start: () => 3 })', { 'package.json': '{}' }],
  ['.js of a package without a type, ESM that awaits', 'a.js', 'export default await Promise.resolve(() => ({ start: () => 3 }))', { 'package.json': '{}' }],
  ['.js below a package of type module', 'lib/a.js', 'export default () => ({ start: () => 3 })', { 'package.json': '{"type":"module"}' }],
  ['.cjs of a package of type module', 'a.cjs', 'module.exports = () => ({ start: () => 3 })', { 'package.json': '{"type":"module"}' }],
]

for (const [what, name, text, beside] of services) {
  test(`loadModule() of ${what} is a service`, async (context) => {
    assert.equal(await startOf(await load(context, name, text, beside)), 3)
  })
}

const scripts: readonly (readonly [string, string, string])[] = [
  ['a module without a default export', 'a.mjs', 'export const start = () => {}'],
  ['an empty module', 'a.mjs', ''],
  ['an empty CommonJS module', 'a.cjs', ''],
  ['an express app: a function with listen and handle', 'a.cjs', 'module.exports = Object.assign(() => {}, { listen() {}, handle() {} })'],
  ['a fastify app: an object with listen', 'a.mjs', 'export default { listen() {} }'],
  ['a server that has a start too', 'a.mjs', 'export default { listen() {}, start() {} }'],
  ['an object with neither', 'a.mjs', 'export default { begin() {} }'],
  ['a default export that is text', 'a.mjs', "export default 'hello'"],
  ['module.exports that is null', 'a.cjs', 'module.exports = null'],
]

for (const [what, name, text] of scripts) {
  test(`loadModule() of ${what} is a script`, async (context) => {
    assert.deepEqual(await load(context, name, text), { kind: 'script' })
  })
}

test('loadModule() runs a CommonJS program as require.main, as node does', async (context) => {
  const loaded = await load(context, 'a.cjs', 'module.exports = { main: require.main === module, start: () => module.exports.main }')
  assert.equal(await startOf(loaded), true)
})

test('loadModule() gives the options that a module declares', async (context) => {
  const groups = { web: { port: { type: 'port', help: 'Where.' } } }
  const text = JSON.stringify(groups)
  const modules: readonly (readonly [string, string])[] = [
    ['esm.mjs', `export const options = ${text}\nexport default () => ({ start() {} })`],
    ['function.cjs', `module.exports = () => ({ start() {} })\nmodule.exports.options = ${text}`],
    ['compiled.cjs', `Object.defineProperty(exports, "__esModule", { value: true })\nexports.options = ${text}\nexports.default = () => ({ start() {} })`],
  ]
  for (const [name, program] of modules) {
    const loaded = await load(context, name, program)
    assert.deepEqual(loaded.kind === 'service' && loaded.options, groups, name)
  }
  const without = await load(context, 'a.mjs', 'export default () => ({ start() {} })')
  assert.equal(without.kind === 'service' && without.options, undefined)
})

test('loadModule() makes the error of what has no start when the service is made', async (context) => {
  for (const made of ['{}', 'undefined', '7', '{ start: 7 }']) {
    const loaded = await load(context, 'a.mjs', `export default () => (${made})`)
    assert.equal(loaded.kind, 'service')
    await assert.rejects(async () => loaded.kind === 'service' && await loaded.make(serviceContext), { code: 'SERVICE_INVALID', message: /^Cannot run ".*a\.mjs" as what its default export makes has no method "start": / })
  }
})

test('loadModule() throws what the module throws, and what its factory throws', async (context) => {
  for (const name of ['a.mjs', 'a.cjs']) await assert.rejects(load(context, name, "throw new RangeError('no database today')"), { name: 'RangeError', message: 'no database today' })
  const loaded = await load(context, 'a.mjs', "export default async () => { throw new Error('later') }")
  await assert.rejects(async () => loaded.kind === 'service' && await loaded.make(serviceContext), { message: 'later' })
})

test('loadModule() evaluates a module that throws once', async (context) => {
  const global = globalThis as { evaluated?: number }
  for (const name of ['a.mjs', 'a.cjs', 'a.js']) {
    global.evaluated = 0
    await assert.rejects(load(context, name, "globalThis.evaluated++\nthrow new SyntaxError('await what?')"))
    assert.equal(global.evaluated, 1, name)
  }
  delete global.evaluated
})

for (const name of ['a.mjs', 'a.cjs', 'a.js']) {
  test(`loadModule() throws a syntax error in ${name} with its place`, async (context) => {
    await assert.rejects(load(context, name, '\n\nmodule.exports = () => ({ start( })'), (error: Error) => {
      return error instanceof SyntaxError && new RegExp(`${name.replace('.', '\\.')}:3`).test(`${error.message}\n${error.stack}`)
    })
  })
}

test('loadModule() throws what is missing', async (context) => {
  await assert.rejects(load(context, 'a.cjs', "require('./missing')"), { code: 'MODULE_NOT_FOUND' })
  await assert.rejects(load(context, 'a.mjs', "import './missing.mjs'"), { code: 'ERR_MODULE_NOT_FOUND' })
})

test('loadModule() of TypeScript says what to do where Node does not run it', { skip: 'typescript' in process.features }, async (context) => {
  for (const name of ['a.ts', 'a.mts', 'a.cts']) {
    await assert.rejects(load(context, name, 'export default () => ({ start(): void {} })', { 'package.json': '{"type":"module"}' }), {
      code: 'SERVICE_TYPESCRIPT', message: /^Cannot load ".*a\.[mc]?ts" as Node [0-9.]+ does not run TypeScript by itself: add --import tsx, or compile it$/,
    }, name)
  }
})
