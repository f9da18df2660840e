import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notRun } from '../support/not-run.js'
import { RedisServer } from '../support/redis.js'
import { soakLocks } from '../support/soak-locks.js'

/** The long form: `node test/dist/soak.js --seconds 3600`. */
const SECONDS = 60

const reason = await RedisServer.available()

test('locks keep their word under faults in any order', { skip: reason !== undefined && notRun('the soak of locks', reason) }, async (context) => {
  const seed = Date.now() % 1_000_000
  context.diagnostic(`node test/dist/soak.js --seconds ${SECONDS} --seed ${seed}`)
  const { grants, strikes } = await soakLocks({ seconds: SECONDS, seed, say: (line) => context.diagnostic(line) })
  assert.ok(grants > 100 && strikes > 3, `${grants} grants under ${strikes} faults`)
})
