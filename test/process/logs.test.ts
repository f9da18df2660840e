import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { get } from '../support/http.js'
import { fixture, LISTEN, startLauncher, startReady, type LogLine } from '../support/launcher.js'
import { until } from '../support/processes.js'

const WEB = fixture('web.mjs')

test('USR1 makes the launcher and its workers open their log file again', async (t) => {
  const launcher = startLauncher(t, ['--workers', '2', '--log-file', 'web.log', ...LISTEN, fixture('modules/logs-on-request.mjs')])
  const [file, old] = ['web.log', 'web.log.1'].map((name) => join(launcher.folder, name)) as [string, string]
  await until('both workers', () => existsSync(file) && linesOf(file).some(({ event }) => event === 'launcher.ready'))
  const url = String(linesOf(file).find(({ event }) => event === 'launcher.listening')?.['url']).replace('tcp:', 'http:')
  assert.equal(launcher.stderr, '')
  renameSync(file, old)
  launcher.signal('SIGUSR1')
  await until('the new file', () => existsSync(file))
  const pids = linesOf(old).filter(({ event }) => event === 'worker.ready').map(({ pid }) => pid)
  await until('a line of every worker', async () => {
    await get(url)
    return pids.every((pid) => linesOf(file).some((line) => line.event === 'test.request' && line.pid === pid))
  })
  const moved = readFileSync(old, 'utf8')
  launcher.signal('SIGTERM')
  assert.deepEqual(await launcher.exit, { code: 0, signal: null })
  assert.equal(linesOf(file).at(-1)?.event, 'launcher.stopped')
  assert.equal(readFileSync(old, 'utf8'), moved, 'somebody still wrote to the old file')
})

test("no line of a worker's log is lost by process.exit()", async (t) => {
  const launcher = await startReady(t, ['--workers', '1', ...LISTEN, WEB])
  await get(`${await launcher.url()}/log-and-exit?lines=5000`).catch(() => undefined)
  await launcher.waitFor('worker.exited')
  await until('the last line', () => launcher.all('test.line').length === 5_000)
  assert.deepEqual(launcher.all('test.line').map((line) => line['line']), Array.from({ length: 5_000 }, (_, n) => n))
})

test('a line of a worker carries its service, slot and pid', async (t) => {
  const launcher = await startReady(t, ['--workers', '2', '--name', 'shop', fixture('modules/says-when.mjs')])
  await until('both workers', () => launcher.all('test.started').length === 2)
  for (const { service, workerId, pid, level, time } of launcher.all('test.started')) {
    assert.deepEqual([service, level], ['shop', 'info'])
    assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.equal((await launcher.waitFor('worker.ready', (line) => line.pid === pid)).workerId, workerId)
  }
})

test('what a service prints comes through unchanged', async (t) => {
  const launcher = await startReady(t, ['--workers', '1', fixture('modules/prints.cjs')])
  await until('its words', () => launcher.stdout.includes('to stdout\n') && launcher.stderr.includes('to stderr\n'))
})

function linesOf(file: string): LogLine[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as LogLine)
}

test("a worker's record carries the fields of withLogFields(), which its service imports from reeve/log", async (t) => {
  const launcher = await startReady(t, ['--workers', '1', fixture('modules/logs-context.mjs')])
  const line = await launcher.waitFor('test.context')
  assert.deepEqual([line['requestId'], line['workerId'], line.message], ['r1', 0, 'in context'])
})
