import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { get } from '../support/http.js'
import { LISTEN, ROOT, startReady } from '../support/launcher.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const [asModule, asCommonJs] = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code ?? '')

for (const [file, code, manifest] of [
  ['service.js', asModule, '{"type":"module"}'],
  ['service.mjs', asModule, '{}'],
  ['service.js', asCommonJs, '{}'],
] as const) {
  test(`README's service as ${file} of a package ${manifest} runs with 2 workers`, async (t) => {
    const folder = temporaryFolder(t)
    writeFileSync(join(folder, 'package.json'), manifest)
    writeFileSync(join(folder, file), code ?? '')
    const launcher = await startReady(t, ['--workers', '2', ...LISTEN, join(folder, file)])
    const { body } = await get(await launcher.url())
    assert.match(body, /^hello from worker [01] of 2\n$/)
    launcher.signal('SIGTERM')
    assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  })
}
