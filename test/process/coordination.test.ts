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
  { name: 'redis', skip, url: redisUrl },
]

function redisUrl(): string {
  return `${redis?.url ?? ''}?max_ttl=4s&prefix=test${tests++}`
}

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

describe('two launchers over one Redis', { skip }, () => {
  async function startHosts(t: TestContext): Promise<{ readonly h1: LauncherProcess; readonly h2: LauncherProcess; readonly url: string }> {
    const url = redisUrl()
    const [h1, h2] = await Promise.all(['h1', 'h2'].map((host) => startFleet(t, url, ['--host', host, '--name', 'fleet', '--min-healthy', '0'])))
    assert.ok(h1 && h2)
    return { h1, h2, url }
  }

  /** Whoever has it, and the other. */
  async function whoHas(event: string, h1: LauncherProcess, h2: LauncherProcess): Promise<readonly [LauncherProcess, LauncherProcess, LogLine]> {
    const first = await Promise.race([h1, h2].map(async (launcher) => ({ launcher, line: await launcher.waitFor(event) })))
    return [first.launcher, first.launcher === h1 ? h2 : h1, first.line]
  }

  test('one that is killed loses its lock and its office to the other when the leases are over, not later', async (t) => {
    const { h1, h2 } = await startHosts(t)
    const [leading, other, boss] = await whoHas('boss.got', h1, h2)
    leading.signal('SIGKILL')
    const killedAt = process.hrtime.bigint()
    const next = await other.waitFor('boss.got')
    await other.waitFor('one.got')
    assert.ok(BigInt(String(next['fence'])) > BigInt(String(boss['fence'])))
    // The lease, a look at it every third of a waiter's time, and a machine that is busy.
    assert.ok(Number(BigInt(String(next['at'])) - killedAt) / 1e6 < TTL_MS + 3_000)
  })

  test('a rolling reload of both at once keeps every worker in its slot\'s place, and no lease runs out', async (t) => {
    const { h1, h2 } = await startHosts(t)
    const [leading, other, boss] = await whoHas('boss.got', h1, h2)
    assert.deepEqual(await Promise.all([h1, h2].map(async (launcher) => (await launcher.command('reload', '--wait')).code)), [0, 0])
    await leading.waitFor('boss.got', ({ pid, workerId }) => pid !== boss.pid && workerId === boss.workerId)
    for (const launcher of [leading, other]) for (const event of ['boss.lost', 'one.lost', 'boss.failed', 'one.failed']) assert.deepEqual(launcher.all(event), [])
  })

  test('redis-cli shows who holds, from where and since when', async (t) => {
    const { h1, h2, url } = await startHosts(t)
    const [, , boss] = await whoHas('boss.got', h1, h2)
    const prefix = new URL(url).searchParams.get('prefix') ?? ''
    const [text = ''] = (await redis?.command('HVALS', `${prefix}:{leader:boss}`) ?? '').split('\n').filter((line) => line.startsWith('{'))
    const record = JSON.parse(text) as Record<string, unknown>
    assert.deepEqual([record['pid'], record['worker'], String(record['fence'])], [boss.pid, `fleet/${boss.workerId}`, boss['fence']])
    assert.deepEqual(Object.keys(record), ['expires', 'fence', 'weight', 'delay', 'since', 'member', 'host', 'pid', 'worker', 'value'])
  })
})

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
