import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '#src/base/exit-code.js'
import { notRun } from '../support/not-run.js'

const FOLDER = join(import.meta.dirname, '../../../systemd')
const analyze = ['/usr/bin/systemd-analyze', '/bin/systemd-analyze'].find((path) => existsSync(path))
const skip = analyze === undefined ? notRun('systemd-analyze verify', 'it is not installed') : false

/** What systemd says of these units. Its exit code is 0 for a key that it does not know: the output counts. */
async function verify(units: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reeve-units-'))
  try {
    for (const [name, text] of Object.entries(units)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
    const paths = Object.keys(units).filter((name) => !name.includes('/')).map((name) => join(folder, name.replace('@.', '@volume.')))
    return await new Promise((resolve) => {
      execFile(analyze ?? '', ['verify', '--man=no', ...paths], (_error, stdout, stderr) => resolve((stdout + stderr).replaceAll(folder, '')))
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The units as they are, but for the command, which is not installed here. */
async function shippedUnits(): Promise<Record<string, string>> {
  const names = (await readdir(FOLDER, { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(FOLDER, name), 'utf8')))
  return Object.fromEntries(names.map((name, index) => [name, (texts[index] ?? '').replace(/^(Exec\w+=)launcher /gm, '$1/bin/true ')]))
}

/** The lines that set something, without comments. */
function settings(text: string): readonly string[] {
  return text.split('\n').filter((line) => /^\w+=/.test(line))
}

test('systemd/ holds the three units', async () => {
  assert.deepEqual(Object.keys(await shippedUnits()), ['reeve.service', 'reeve.socket', 'reeve@.service'])
})

test('systemd-analyze verify has nothing to say about the units', { skip }, async () => {
  assert.equal(await verify(await shippedUnits()), '')
})

test('systemd-analyze verify has nothing to say about the drop-in for Redis, and would have named a wrong key in it', { skip }, async () => {
  const name = 'reeve.service.d/redis.conf'
  // The file with the password is the operator's.
  const dropIn = (await readFile(join(FOLDER, name), 'utf8')).replace('EnvironmentFile=/', 'EnvironmentFile=-/')
  const withDropIn = async (text: string): Promise<string> => verify({ ...await shippedUnits(), [name]: text })
  assert.equal(await withDropIn(dropIn), '')
  assert.match(await withDropIn(`${dropIn}\nGracefulStop=yes\n`), /Unknown key.*'GracefulStop'/)
})

test('systemd-analyze verify would have named a wrong key and a wrong value', { skip }, async () => {
  const unit = (line: string): Promise<string> => verify({ 'wrong.service': `[Service]\nExecStart=/bin/true\n${line}\n` })
  assert.match(await unit('GracefulStop=yes'), /Unknown key.*'GracefulStop'/)
  assert.match(await unit('KillMode=mxied'), /kill mode.*mxied/)
})

test('reeve@.service is reeve.service but for its name', async () => {
  const { 'reeve.service': single = '', 'reeve@.service': template = '' } = await shippedUnits()
  const named = template
    .replace('the fleet %i', 'a fleet of worker processes')
    .replace('/etc/reeve/%i.conf', '/etc/reeve/reeve.conf')
    .replaceAll('reeve-%i', 'reeve').replaceAll('%i', 'reeve')
  assert.deepEqual(settings(named), settings(single))
})

test('reeve.service is not restarted after the exits that another try cannot help', async () => {
  const { 'reeve.service': single = '' } = await shippedUnits()
  assert.ok(settings(single).includes(`RestartPreventExitStatus=${EXIT.usage} ${EXIT.configuration}`))
})
