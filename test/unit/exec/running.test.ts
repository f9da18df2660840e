import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { execute } from '#src/exec/execute.js'
import { running } from '#src/exec/running.js'
import { isAlive, until } from '../../support/processes.js'

const EXEC = new URL(import.meta.resolve('#src/exec/index.js')).href
const FIXTURES = join(import.meta.dirname, '../../../fixtures/exec')

/** Runs a fixture to its end: the pids that it told, and the signal it died of. */
async function runParent(name: string): Promise<{ readonly pids: readonly number[]; readonly signal: string | null }> {
  const parent = spawn(process.execPath, [join(FIXTURES, name), EXEC], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(parent, 'exit') as Promise<[number | null, string | null]>
  let told = ''
  for await (const chunk of parent.stdout) told += String(chunk)
  return { pids: told.trim().split(' ').map(Number), signal: (await ended)[1] }
}

test('running() lists commands with their secrets masked, until they have ended', async () => {
  let listed = running()
  await execute('true', ['--password', 'hush', 'postgres://me:hush@db/x'], { onSpawn: () => { listed = running() } })
  assert.equal(listed.length, 1)
  assert.equal(listed[0]?.command, "true --password '***' 'postgres://me:***@db/x'".replace("'***'", '***').replace("'postgres://me:***@db/x'", 'postgres://me:***@db/x'))
  assert.deepEqual(running(), [])
})

test('a process that is killed takes the groups of its commands with it, and leaves no guard', async () => {
  const { pids, signal } = await runParent('killed-parent.mjs')
  assert.equal(signal, 'SIGKILL')
  assert.equal(pids.length, 2)
  await until('the end of the group', () => !pids.some(isAlive))
  await until('the end of the guard', () => guards().length === 0)
})

test('a process that exits kills the groups of its commands', async () => {
  const { pids } = await runParent('exiting-parent.mjs')
  assert.equal(pids.length, 2)
  await until('the end of the group', () => !pids.some(isAlive))
})

/** Shells that guard groups for another process than this one. */
function guards(): readonly string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      const isGuard = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('while read -r change group')
      const parent = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
      return isGuard && parent === 1
    } catch {
      return false
    }
  })
}
