// Lock libraries, and what one would write by hand, behind one interface: `open(url)` gives a
// client with one connection; `acquire(name)` waits until it is held and gives its release.
// A client keeps one lock object a name, where the library has such, so that none is timed for making it.
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Mutex } from 'redis-semaphore'
import Redlock from 'redlock'

const TTL_MS = 15_000
const RETRY_MS = 10

const DELETE_IF_MINE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

export const openers = {
  /** Two round trips that any lock must make, and nothing besides: no owner, no waiting. */
  'raw SET + DEL': (url) => client(url, (redis) => async (name) => {
    await redis.set(name, '1', 'PX', TTL_MS, 'NX')
    return () => redis.del(name)
  }),
  'raw GET + GET': (url) => client(url, (redis) => async (name) => {
    await redis.get(name)
    return () => redis.get(name)
  }),
  /** What most people write first: a random value, deleted only where it is still there. */
  'SET NX, 10 ms': (url) => client(url, (redis) => {
    redis.defineCommand('deleteIfMine', { numberOfKeys: 1, lua: DELETE_IF_MINE })
    return async (name) => {
      const value = randomBytes(16).toString('hex')
      while ((await redis.set(name, value, 'PX', TTL_MS, 'NX')) === null) await delay(RETRY_MS)
      return () => redis.deleteIfMine(name, value)
    }
  }),
  /** A token in a list: whoever pops it holds. First come, first served, no lease: the floor of a hand-over. */
  'BLPOP token': (url) => client(url, (redis) => {
    // The first client of all puts the token there.
    const ready = cached(async (name) => {
      if ((await redis.set(`${name}:token`, '1', 'NX')) !== null) await redis.rpush(name, '1')
    })
    return async (name) => {
      await ready(name)
      await redis.blpop(name, 0)
      return () => redis.rpush(name, '1')
    }
  }),
  'redis-semaphore': (url) => client(url, (redis) => {
    const mutexOf = cached((name) => new Mutex(redis, name, { lockTimeout: TTL_MS, acquireTimeout: 600_000 }))
    return async (name) => {
      const mutex = mutexOf(name)
      await mutex.acquire()
      return () => mutex.release()
    }
  }),
  /** Its default delays (200 ± 100 ms), for as long as it takes. */
  redlock5: (url) => client(url, (redis) => {
    const redlock = new Redlock([redis], { retryCount: -1 })
    return async (name) => {
      const lock = await redlock.acquire([name], TTL_MS)
      return () => lock.release()
    }
  }),
}

/** The commands that each sends itself, as INFO commandstats calls them: what its scripts call is counted there too. */
export const requests = {
  'raw SET + DEL': ['set', 'del'],
  'raw GET + GET': ['get'],
  'SET NX, 10 ms': ['set', 'evalsha', 'eval'],
  'BLPOP token': ['set', 'blpop', 'rpush'],
  'redis-semaphore': ['set', 'evalsha', 'eval'],
  redlock5: ['evalsha', 'eval'],
}

async function client(url, makeAcquire) {
  const redis = new Redis(url)
  await redis.ping()
  const acquire = makeAcquire(redis)
  return { acquire, close: async () => redis.disconnect() }
}

function cached(make) {
  const known = new Map()
  return (name) => {
    if (!known.has(name)) known.set(name, make(name))
    return known.get(name)
  }
}
