/** Every rule of CoordinationStore, shown of every driver. */
import { after, before, describe, test } from 'node:test'
import { notRun } from '../support/not-run.js'
import { RedisCluster, SentinelTrio } from '../support/redis-topologies.js'
import { embedded, shared } from './store/embedded-drivers.js'
import { groupCases } from './store/group-cases.js'
import { leaseCases } from './store/lease-cases.js'
import { otherCases } from './store/other-cases.js'
import { queueCases } from './store/queue-cases.js'
import { redis, redisDriver } from './store/redis-drivers.js'
import { Scene, type OpenDriver } from './store/scene.js'

const DRIVERS = [
  embedded, shared, redis,
  redisDriver('redis over Sentinel', () => SentinelTrio.start()), redisDriver('redis Cluster', () => RedisCluster.start()),
]
const CASES = [...leaseCases, ...queueCases, ...groupCases, ...otherCases]

/** One store for all cases, each of which has names of its own; the drivers side by side, for some wait for real clocks. */
describe('CoordinationStore', { concurrency: DRIVERS.length }, async () => {
  for (const driver of DRIVERS) {
    const reason = await driver.unavailable()
    const skip = reason !== undefined && notRun(`the contract of ${driver.name}`, reason)
    describe(driver.name, { skip, concurrency: 1 }, () => {
      let open: OpenDriver
      before(async () => { open = await driver.open() })
      after(() => open.close())
      for (const { title, run } of CASES) test(title, () => run(new Scene(open)))
    })
  }
})
