/**
 * Locks under random faults for as long as you like:
 * `node test/dist/soak.js --seconds 3600 --seed 7 --workers 8`. Ends with 1 when they did not keep their word.
 */
import { parseArgs } from 'node:util'
import { RedisServer } from './support/redis.js'
import { soakLocks } from './support/soak-locks.js'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    workers: { type: 'string', default: '4' },
  },
})

const reason = await RedisServer.available()
if (reason === undefined) {
  console.log(`seed ${values.seed}, ${values.seconds} s`)
  const { grants, strikes } = await soakLocks({ seconds: Number(values.seconds), seed: Number(values.seed), workers: Number(values.workers), say: console.log })
  console.log(`kept: ${grants} grants under ${strikes} faults`)
} else {
  console.error(`Cannot soak as a redis-server is needed: ${reason}`)
  process.exitCode = 1
}
