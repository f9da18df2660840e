// How each library holds a lock, and tells that it has lost it, as its readme says to use it:
// `hold(options)` resolves when held, with `isHeld()`: what it answers at once; it calls `told()` at
// the first sign of a loss that its user gets. `wait` is a second client, that wants the lock and resolves when it has it.
import { Redis } from 'ioredis'
import { Mutex } from 'redis-semaphore'
import Redlock from 'redlock'

const RETRY_MS = 10

export const holders = {
  redlock5: {
    hold: ({ url, name, ttlMs, redisOptions, told }) => new Promise((resolve, reject) => {
      const redlock = new Redlock([connect(url, redisOptions)])
      redlock.on('error', () => {})
      const work = (signal) => new Promise(() => {
        signal.addEventListener('abort', told)
        resolve({ isHeld: () => !signal.aborted })
      })
      // When it cannot be acquired; nothing else ends it.
      redlock.using([name], ttlMs, work).catch(reject)
    }),
    wait: async ({ url, name, ttlMs }) => {
      const redlock = new Redlock([connect(url)], { retryCount: -1, retryDelay: RETRY_MS, retryJitter: 0 })
      redlock.on('error', () => {})
      await untilSettled(() => redlock.acquire([name], ttlMs))
    },
  },
  'redis-semaphore': {
    hold: async ({ url, name, ttlMs, redisOptions, told }) => {
      const mutex = new Mutex(connect(url, redisOptions), name, { lockTimeout: ttlMs, onLockLost: told })
      await mutex.acquire()
      return { isHeld: () => mutex.isAcquired }
    },
    wait: async ({ url, name, ttlMs }) => {
      const redis = connect(url)
      await untilSettled(() => new Mutex(redis, name, { lockTimeout: ttlMs, acquireTimeout: 600_000, retryInterval: RETRY_MS, onLockLost: () => {} }).acquire())
    },
  },
  'redlock-universal': {
    hold: async ({ url, name, ttlMs, redisOptions, told }) => {
      const { createLock, IoredisAdapter } = await import('redlock-universal')
      const lock = createLock({ adapter: new IoredisAdapter(connect(url, redisOptions)), key: name, ttl: ttlMs })
      return await new Promise((resolve, reject) => {
        const work = (signal) => new Promise(() => {
          signal.addEventListener('abort', told)
          resolve({ isHeld: () => !signal.aborted })
        })
        lock.using(work).catch(reject)
      })
    },
    wait: async ({ url, name, ttlMs }) => {
      const { createLock, IoredisAdapter } = await import('redlock-universal')
      const adapter = new IoredisAdapter(connect(url))
      await untilSettled(() => createLock({ adapter, key: name, ttl: ttlMs, retryAttempts: 1_000_000, retryDelay: RETRY_MS }).acquire())
    },
  },
  /** It has no answer that can be had at once; the last event is what a program goes by. */
  'safe-redis-leader': {
    hold: async ({ url, name, ttlMs, redisOptions, told }) => {
      let leads = false
      const leader = await makeLeader({ url, name, ttlMs, redisOptions })
      const elected = new Promise((resolve) => leader.on('elected', () => { leads = true; resolve() }))
      leader.on('demoted', () => { leads = false; told() })
      await leader.elect()
      await elected
      return { isHeld: () => leads }
    },
    wait: async ({ url, name, ttlMs }) => {
      const leader = await makeLeader({ url, name, ttlMs })
      const elected = new Promise((resolve) => leader.on('elected', resolve))
      // One error ends its loop for ever: it is asked again.
      leader.on('error', () => setTimeout(leader.elect, RETRY_MS))
      await leader.elect()
      await elected
    },
  },
}

async function makeLeader({ url, name, ttlMs, redisOptions }) {
  const { createSafeRedisLeader } = (await import('safe-redis-leader')).default
  const leader = await createSafeRedisLeader({ asyncRedis: connect(url, redisOptions), ttl: ttlMs, wait: RETRY_MS, key: name })
  leader.on('error', () => {})
  return leader
}

function connect(url, options = {}) {
  const redis = new Redis(url, options)
  redis.on('error', () => {})
  return redis
}

/** Tries again after whatever error: a server that is away. */
async function untilSettled(attempt) {
  for (;;) {
    try {
      return await attempt()
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}
