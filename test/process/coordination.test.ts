import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import { fixture, runCommand, startReady, type LauncherProcess, type LogLine } from '../support/launcher.js'
import { notRun } from '../support/not-run.js'
import { kill, until } from '../support/processes.js'
import { RedisServer } from '../support/redis.js'

const COORDINATES = fixture('coordinates.mjs')
const missing = await RedisServer.available()
const skip = missing === undefined ? false : notRun('coordination over Redis', missing)

/** How long a lease lives that nobody gives back. No hand-over of these tests waits for it. */
const TTL_MS = 4_000

let redis: RedisServer | undefined
let tests = 0

interface Driver {
  readonly name: string
  readonly skip: string | false
  /** Of a store that no other test uses. */
  url(): string
}

const DRIVERS: readonly Driver[] = [
  { name: 'embedded', skip: false, url: () => 'embedded:' },
  { name: 'redis', skip, url: () => `${redis?.url ?? ''}?max_ttl=4s&prefix=test${tests++}` },
]

before(async () => {
  if (missing === undefined) redis = await RedisServer.start()
}, { timeout: 120_000 })
after(async () => { await redis?.stop() })

async function startFleet(t: TestContext, url: string, args: readonly string[] = []): Promise<LauncherProcess> {
  return await startReady(t, ['--workers', '3', '--coordination', url, ...args, COORDINATES], { env: { TTL_MS: String(TTL_MS) } })
}

for (const driver of DRIVERS) {
  describe(`coordination, ${driver.name}`, { skip: driver.skip }, () => {
    test('a worker killed with -9 loses its lock and its office to another at once, with greater fences', async (t) => {
      const launcher = await startFleet(t, driver.url())
      const [boss, holder] = [await launcher.waitFor('boss.got'), await launcher.waitFor('one.got')]
      kill(boss.pid, 'SIGKILL')
      kill(holder.pid, 'SIGKILL')
      const nextBoss = await launcher.waitFor('boss.got', ({ pid }) => pid !== boss.pid && pid !== holder.pid)
      const nextHolder = await launcher.waitFor('one.got', ({ pid }) => pid !== holder.pid && pid !== boss.pid)
      assert.ok(BigInt(String(nextBoss['fence'])) > BigInt(String(boss['fence'])))
      assert.ok(BigInt(String(nextHolder['fence'])) > BigInt(String(holder['fence'])))
      assert.ok(msBetween(boss, nextBoss) < TTL_MS / 2 || msBetween(holder, nextHolder) < TTL_MS / 2, 'somebody waited for the end of a lease')
    })

    test('a rolling reload hands lock and office to the next worker of the same slot, without a lease running out', async (t) => {
      const launcher = await startFleet(t, driver.url(), ['--min-healthy', '0'])
      const [boss, holder] = [await launcher.waitFor('boss.got'), await launcher.waitFor('one.got')]
      assert.equal((await launcher.command('reload', '--wait')).code, 0)
      const next = await launcher.waitFor('boss.got', (line) => line.workerId === boss.workerId && line.pid !== boss.pid)
      await launcher.waitFor('one.got', (line) => line.workerId === holder.workerId && line.pid !== holder.pid)
      const done = await launcher.waitFor('boss.done', ({ pid }) => pid === boss.pid)
      assert.ok(msBetween(done, next) < TTL_MS / 2)
      assert.deepEqual(launcher.all('boss.lost'), [])
    })

    test('a worker that stands still loses what it holds after its time, and says so in its first statement', async (t) => {
      const launcher = await startReady(t, ['--workers', '2', '--coordination', driver.url(), COORDINATES], { env: { TTL_MS: '1000' } })
      const holder = await launcher.waitFor('one.got')
      process.kill(holder.pid, 'SIGSTOP')
      t.after(() => kill(holder.pid, 'SIGCONT'))
      const next = await launcher.waitFor('one.got', ({ pid }) => pid !== holder.pid)
      assert.ok(BigInt(String(next['fence'])) > BigInt(String(holder['fence'])))
      process.kill(holder.pid, 'SIGCONT')
      const told = await launcher.waitFor('one.lost', ({ pid }) => pid === holder.pid)
      assert.ok(msBetween(next, told) > 0)
    })

    test('a launcher that stops leaves no holder, no waiter and no member', async (t) => {
      const url = driver.url()
      const launcher = await startFleet(t, url)
      await launcher.waitFor('one.got')
      launcher.signal('SIGTERM')
      assert.deepEqual(await launcher.exit, { code: 0, signal: null })
      if (driver.name === 'embedded') return
      const { stdout } = await runCommand(['locks', '--json', '--coordination', url])
      assert.deepEqual(JSON.parse(stdout), [])
      const groups = await runCommand(['members', 'fleet', '--json', '--coordination', url])
      assert.deepEqual(JSON.parse(groups.stdout), [])
    })

    test('the workers are members of their group through their launcher, and a dead one is none at once', async (t) => {
      const url = driver.url()
      const launcher = await startFleet(t, url, ['--restart-type', 'temporary', '--host', 'h1', '--name', 'fleet'])
      const members = async (): Promise<string[]> => {
        const { stdout } = await launcher.command('members', 'fleet', '--json', ...(driver.name === 'embedded' ? [] : ['--coordination', url]))
        return (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id)
      }
      assert.deepEqual(await members(), ['h1/fleet/0', 'h1/fleet/1', 'h1/fleet/2'])
      const [, victim = 0] = await launcher.pids()
      process.kill(victim, 'SIGKILL')
      await launcher.waitFor('worker.exited')
      await until('two members', async () => (await members()).length === 2)
      assert.deepEqual(await members(), ['h1/fleet/0', 'h1/fleet/2'])
    })
  })
}

test('a wrong coordination URL on the command line is a usage error that names the drivers, without its password', async () => {
  const { code, stderr } = await runCommand(['run', '--coordination', 'etcd://u:secret@h', COORDINATES])
  assert.equal(code, 2)
  assert.match(stderr, /comes later.*redis\+sentinel/)
  assert.doesNotMatch(stderr, /secret/)
})

/** On the clock that all processes share. */
function msBetween(earlier: LogLine, later: LogLine): number {
  return Number(BigInt(String(later['at'])) - BigInt(String(earlier['at']))) / 1e6
}
