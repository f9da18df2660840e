// The same with safe-redis-leader, as its readme has it. It looks for a vacant place every 50 ms.
import { Redis } from 'ioredis'
import { reportReady } from './app.mjs'
import { hearResign, reportLeader } from './leader-events.mjs'

const { createSafeRedisLeader } = (await import('safe-redis-leader')).default
const resignRequested = hearResign()
const leader = await createSafeRedisLeader({ asyncRedis: new Redis(process.env.BENCH_REDIS), ttl: 2_000, wait: 50, key: 'bench' })
leader.on('error', (error) => console.error(error))
leader.on('elected', async () => {
  reportLeader('leader')
  await resignRequested()
  reportLeader('resigning')
  await leader.stop()
  reportLeader('campaigning')
  // At once, it would be the next leader itself.
  setTimeout(leader.elect, 150)
})
reportLeader('campaigning')
await leader.elect()
reportReady()
