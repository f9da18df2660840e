import { setTimeout as sleep } from 'node:timers/promises'
import type { ClockSkew } from './clock-skew.js'
import { TTL_MS, type LockTrial } from './lock-trial.js'
import { kill } from './processes.js'
import type { ProxiedRedis } from './proxied-redis.js'

/** Where the trouble happens. `random`: 0…1. */
export interface Scene {
  readonly trial: LockTrial
  /** What the trial's locks are kept in. */
  readonly redis: ProxiedRedis
  readonly skew: ClockSkew | undefined
  readonly random: () => number
}

export interface Fault {
  readonly name: string
  /** Makes trouble for a while and mends it. */
  strike(scene: Scene): Promise<void>
  /** The store forgets leases: those who hold may be told so at any time. */
  readonly forgets?: boolean
  /** The store's clock jumps: leases end early by every other clock. What holds are the fences. */
  readonly jumps?: boolean
}

/** Longer than any lease. */
const TOO_LONG_MS = 2 * TTL_MS

export const FAULTS: readonly Fault[] = [
  { name: 'kill -9 of a holder', strike: ({ trial, random }) => trial.replaceWorker(anyOf(trial.pids, random)) },
  {
    name: 'a holder that stands still beyond its lease',
    strike: ({ trial, random }) => stopped(anyOf(trial.pids, random), TOO_LONG_MS),
  },
  {
    name: 'all holders standing still',
    strike: async ({ trial }) => { await Promise.all(trial.pids.map((pid) => stopped(pid, TOO_LONG_MS))) },
  },
  { name: 'a server that stands still for less than a lease', strike: ({ redis }) => stopped(redis.server.pid, TTL_MS / 2) },
  { name: 'a server that stands still beyond all leases', strike: ({ redis }) => stopped(redis.server.pid, TOO_LONG_MS) },
  { name: 'a network that holds everything back and then delivers it', strike: ({ redis }) => during(TOO_LONG_MS, () => redis.proxy.blackhole(), () => redis.proxy.pass()) },
  {
    name: 'a network that swallows everything',
    strike: ({ redis }) => during(TOO_LONG_MS, () => redis.proxy.blackhole(), () => { redis.proxy.cut(); redis.proxy.pass() }),
  },
  { name: 'a network that swallows replies', strike: ({ redis }) => during(TOO_LONG_MS, () => redis.proxy.dropReplies(), () => redis.proxy.pass()) },
  { name: 'a slow network', strike: ({ redis }) => during(TOO_LONG_MS, () => redis.proxy.delay(30), () => redis.proxy.pass()) },
  {
    name: 'a server that cannot be reached',
    strike: ({ redis }) => during(TOO_LONG_MS, () => { redis.proxy.refuse(); redis.proxy.cut() }, () => redis.proxy.pass()),
  },
  { name: 'connections that are cut', strike: async ({ redis }) => { redis.proxy.cut() } },
  {
    name: 'CLIENT KILL',
    strike: async ({ redis }) => {
      await redis.server.command('CLIENT', 'KILL', 'TYPE', 'normal')
      await redis.server.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
    },
  },
  { name: 'SCRIPT FLUSH', strike: async ({ redis }) => { await redis.server.command('SCRIPT', 'FLUSH') } },
  { name: 'FLUSHALL', forgets: true, strike: async ({ redis }) => { await redis.server.command('FLUSHALL') } },
  { name: 'a server that is killed and comes back empty', forgets: true, strike: ({ redis }) => redis.server.restart('SIGKILL') },
  {
    name: 'a server without memory',
    strike: ({ redis }) => during(TOO_LONG_MS, () => redis.server.command('CONFIG', 'SET', 'maxmemory', '1'), () => redis.server.command('CONFIG', 'SET', 'maxmemory', '0')),
  },
  {
    name: 'a server that only reads',
    strike: ({ redis }) => during(TOO_LONG_MS, () => redis.server.command('REPLICAOF', '127.0.0.1', '1'), () => redis.server.command('REPLICAOF', 'NO', 'ONE')),
  },
  { name: 'a server whose clock goes an hour forward and back', jumps: true, strike: ({ skew }) => during(TOO_LONG_MS, () => skew?.jump(3_600), () => skew?.jump(0)) },
  { name: 'a server whose clock goes an hour back and forward', jumps: true, strike: ({ skew }) => during(TOO_LONG_MS, () => skew?.jump(-3_600), () => skew?.jump(0)) },
]

async function during(ms: number, hurt: () => unknown, heal: () => unknown): Promise<void> {
  await hurt()
  await sleep(ms)
  await heal()
}

function stopped(pid: number, ms: number): Promise<void> {
  return during(ms, () => kill(pid, 'SIGSTOP'), () => kill(pid, 'SIGCONT'))
}

function anyOf<T>(all: readonly T[], random: () => number): T {
  const chosen = all[Math.floor(random() * all.length)]
  if (chosen === undefined) throw new RangeError('nothing to choose from')
  return chosen
}
