/** Processes that take locks of a real Redis, and everything that may befall them, one fault after the other. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClockSkew } from '../support/clock-skew.js'
import { LockTrial } from '../support/lock-trial.js'
import { FAULTS } from '../support/nemesis.js'
import { notRun } from '../support/not-run.js'
import { ProxiedRedis } from '../support/proxied-redis.js'
import { RedisServer } from '../support/redis.js'
import { assertKept } from '../support/soak-locks.js'

const STRIKES = 2

const reason = await RedisServer.available()
const skip = reason !== undefined && notRun('locks under faults', reason)

describe('locks of several processes over Redis', { skip }, () => {
  for (const fault of FAULTS) {
    test(`keep their word under ${fault.name}`, async (context) => {
      const skew = fault.jumps ? await ClockSkew.create() : undefined
      if (typeof skew === 'string') {
        context.skip(notRun(`locks under ${fault.name}`, skew))
        return
      }
      context.after(() => skew?.remove())
      const redis = await ProxiedRedis.start([], skew?.env)
      const trial = await LockTrial.start(redis)
      context.after(() => trial.close())
      for (let strike = 0; strike < STRIKES; strike++) {
        await fault.strike({ trial, redis, skew, random: Math.random })
        await trial.progress()
      }
      const findings = await trial.judge(({ call, until }) => (fault.forgets || fault.jumps ? call : until))
      assertKept(findings, fault.jumps !== true)
      // As many as `progress()` waited for, at least.
      assert.ok(findings.holds.length >= 10 * (1 + STRIKES), `only ${findings.holds.length} grants`)
    })
  }
})
