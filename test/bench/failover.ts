/**
 * Bar 15: from the end of a leader to the next one, on one machine.
 *
 * Two candidates under a launcher that coordinates through Redis, and under one that
 * is the coordinator itself; beside them two with safe-redis-leader and its TTL of 2 s.
 * "kill -9" is from just before the leader's worker is killed, "resign" from just
 * before the leader resigns, until the next one's `campaign` has returned: all of
 * CLOCK_MONOTONIC, which the processes of a machine share. Before each round the other
 * candidate waits in the queue, and the replaced worker has had its time to start.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readArguments } from './support/arguments.js'
import type { Contender, FleetPlan } from './support/contender.js'
import { Fleet } from './support/fleet.js'
import { LeaderPipe, type LeaderEvent } from './support/lock-leader-pipe.js'
import { NodeSupervisor } from './support/node-supervisor.js'
import { contenderFile, installPeers, LAUNCHER } from './support/paths.js'
import { BenchRedis } from './support/redis-bench.js'
import { number, printBar, printTable, printTitle } from './support/report.js'
import { median, percentile } from './support/statistics.js'

/** From a candidate being there to the next round: it asks, and the fleet settles. */
const SETTLE_MS = 400

interface Failover {
  readonly killedMs: number[]
  readonly resignedMs: number[]
}

const { rounds, quick, only } = readArguments({ rounds: 20, quickRounds: 3 })
installPeers()
await run()

async function run(): Promise<void> {
  printTitle(`failover: the next leader of two candidates, ${rounds} rounds`)
  await using redis = await BenchRedis.start('failover', quick)
  if (!redis) return
  const peer: Contender = { name: 'safe-redis-leader', prepare: async (plan) => new NodeSupervisor([contenderFile('leader-peer-primary.mjs')], plan) }
  const contenders = [reeve('reeve, redis', redis.reeveUrl), reeve('reeve, embedded', 'embedded:'), peer].filter(({ name }) => only?.includes(name) ?? true)
  const results = new Map<string, Failover>()
  for (const contender of contenders) {
    if (contender.missing === undefined) results.set(contender.name, await measure(contender, redis.url))
    else console.log(`NOT RUN: ${contender.name}, as ${contender.missing}`)
  }
  printTable(['contender', 'kill -9 ms', 'fastest', 'p90', 'slowest', 'resign ms', 'fastest', 'p90', 'slowest'], [...results].map(([name, { killedMs, resignedMs }]) => [name, ...summary(killedMs), ...summary(resignedMs)]))
  for (const { name } of contenders.filter(({ name: each }) => each.startsWith('reeve'))) {
    printBar({ what: `${name}, kill -9 to the next leader`, value: median(results.get(name)?.killedMs ?? []), limit: { atMost: 15 }, unit: ' ms' })
    printBar({ what: `${name}, resign to the next leader`, value: median(results.get(name)?.resignedMs ?? []), limit: { atMost: 5 }, unit: ' ms' })
  }
}

function summary(ms: readonly number[]): string[] {
  return [median(ms), Math.min(...ms), percentile(ms, 90), Math.max(...ms)].map(number)
}

async function measure(contender: Contender, redisUrl: string): Promise<Failover> {
  const directory = mkdtempSync(join(tmpdir(), 'reeve-bench-leaders-'))
  const path = join(directory, 'events')
  using leaders = new LeaderPipe(path)
  try {
    await using fleet = await Fleet.start(contender, { workers: 2, env: { BENCH_LEADERS: path, BENCH_REDIS: redisUrl } })
    let leader = await leaders.next('leader')
    const failover: Failover = { killedMs: [], resignedMs: [] }
    for (let round = 0; round < rounds; round++) {
      await delay(SETTLE_MS)
      const killedAt = process.hrtime.bigint()
      process.kill(leader.pid, 'SIGKILL')
      const heir = await leaders.next('leader')
      failover.killedMs.push(msBetween(killedAt, heir.at))
      await fleet.nextReady()
      leader = await resign(leaders, heir, failover)
    }
    return failover
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function resign(leaders: LeaderPipe, leader: LeaderEvent, failover: Failover): Promise<LeaderEvent> {
  await delay(SETTLE_MS)
  leaders.askToResign(leader.pid)
  const { at } = await leaders.next('resigning')
  const next = await leaders.next('leader')
  failover.resignedMs.push(msBetween(at, next.at))
  return next
}

/** A worker is healthy at once, and may die as often as it is killed here. */
function reeve(name: string, coordination: string): Contender {
  return {
    name,
    missing: existsSync(LAUNCHER) ? undefined : `there is no ${LAUNCHER}: run "npm run build"`,
    prepare: async (plan: FleetPlan) => {
      const options = ['--workers', String(plan.workers), '--min-healthy', '0.1', '--restart-intensity', '1000', '--control', join(plan.directory, 'control.sock')]
      return new NodeSupervisor([LAUNCHER, 'run', ...options, '--coordination', coordination, contenderFile('leader-service.mjs')], plan)
    },
  }
}

function msBetween(from: bigint, to: bigint): number {
  return Number(to - from) / 1e6
}
