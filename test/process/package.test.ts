import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { get } from '../support/http.js'
import { cleanEnvironment, LISTEN, ROOT, startReady } from '../support/launcher.js'
import { notRun } from '../support/not-run.js'

/** A folder in which the packed package has been installed, as a user would do it. */
const folder = mkdtempSync(join(tmpdir(), 'reeve-package-'))
const npm = { cwd: folder, encoding: 'utf8', env: cleanEnvironment(), stdio: 'pipe', timeout: 120_000 } as const
let packed: { readonly filename: string; readonly files: readonly { readonly path: string; readonly mode: number }[] }
let installed: string | undefined

before(() => {
  // The tests run on what was built: it is not built again while others run on it.
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ROOT], npm)
  packed = (JSON.parse(output) as [typeof packed])[0]
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  try {
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', join(folder, packed.filename)], npm)
  } catch (error) {
    installed = notRun('the installed package', `npm install failed, is there a registry? ${String((error as { stderr?: string }).stderr).slice(0, 300)}`)
  }
})

after(() => rmSync(folder, { recursive: true, force: true }))

test('the package holds what it needs to run, its sample configuration and its units, and nothing else', () => {
  const files = packed.files.map(({ path }) => path)
  const intended = /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|conf\/[\w.-]+|systemd\/[\w.@-]+(?:\.d\/[\w-]+\.conf)?|dist\/[\w/.-]+\.(?:js|cjs|d\.ts|d\.cts|map))$/
  assert.deepEqual(files.filter((path) => !intended.test(path)), [])
  for (const path of ['dist/cli/bin.cjs', 'dist/index.js', 'dist/index.d.ts', 'LICENSE', 'README.md', 'conf/launcher.conf.sample']) assert.ok(files.includes(path), path)
  assert.deepEqual(files.filter((path) => /tsbuildinfo|\.test\.|^src\/|^test\//.test(path)), [])
})

test('the installed command runs a service in an empty folder', async (t) => {
  if (installed !== undefined) return t.skip(installed)
  writeFileSync(join(folder, 'service.js'), `
    import { createServer } from 'node:http'
    import { defineService } from 'reeve'
    export default defineService(({ sockets, workerId }) => {
      const server = createServer((request, response) => response.end('hello from ' + workerId))
      return { start: () => new Promise((resolve) => server.listen(sockets.http, resolve)) }
    })`)
  const launcher = await startReady(t, ['--workers', '2', ...LISTEN, 'service.js'], { cwd: folder, bin: join(folder, 'node_modules/.bin/launcher') })
  assert.match((await get(await launcher.url())).body, /^hello from [01]$/)
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
})

test('a program may launch services itself with ProcessLauncher', async (t) => {
  if (installed !== undefined) return t.skip(installed)
  writeFileSync(join(folder, 'quick.js'), 'export default () => ({ start() {} })')
  writeFileSync(join(folder, 'program.js'), `
    import { ProcessLauncher } from 'reeve'
    const launcher = new ProcessLauncher({ controlPath: 'none' })
    launcher.launchService('./quick.js', { workers: 2 })
    const exitCode = launcher.wait()
    while ((await launcher.status()).workersReady < 2) await new Promise((resolve) => setTimeout(resolve, 20))
    console.log(JSON.stringify(await launcher.reload()))
    await launcher.scale(3)
    await launcher.stop()
    process.exit(await exitCode)`)
  const output = execFileSync(process.execPath, ['program.js'], { ...npm, timeout: 30_000 })
  assert.equal(output, '{"ok":true,"generation":2}\n')
})

test('every public entry can be imported, and its types are there', (t) => {
  if (installed !== undefined) return t.skip(installed)
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: Record<string, string> }
  const entries = Object.keys(exports).filter((entry) => entry !== './package.json').map((entry) => entry.replace('.', 'reeve'))
  const program = `for (const entry of ${JSON.stringify(entries)}) { const names = Object.keys(await import(entry)); if (names.length === 0) throw new Error(entry) } console.log('ok')`
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', program], npm), 'ok\n')
  for (const target of Object.values(exports)) {
    if (target.endsWith('.js')) assert.ok(packed.files.some(({ path }) => `./${path}` === target.replace(/\.js$/, '.d.ts')), target)
  }
})
