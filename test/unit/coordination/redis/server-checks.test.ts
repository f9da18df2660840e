import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSafety } from '#src/coordination/redis/safety.js'
import { checkVersion, knowsScriptFlags, parseInfo, toServerFacts, warningsOf } from '#src/coordination/redis/server-checks.js'
import { isFatal, toCodedError } from '#src/coordination/redis/server-errors.js'

const INFO = '# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\nuptime_in_seconds:12\r\n# Replication\r\nrole:master\r\nsecond_repl_offset:-1\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n'

test('toServerFacts() reads INFO', () => {
  assert.deepEqual(toServerFacts(parseInfo(INFO), 'always'), {
    runId: 'abc', version: '7.0.15', uptimeMs: 12_000, role: 'master', promoted: false, flushed: false, writesThrough: true, evictionPolicy: 'noeviction', needsReplicas: false,
  })
  const other = toServerFacts(parseInfo(`${INFO}second_repl_offset:7\r\ncmdstat_flushall:calls=1\r\nmin_slaves_good_slaves:1\r\n`), undefined)
  assert.deepEqual([other.promoted, other.flushed, other.writesThrough, other.needsReplicas], [true, true, false, true])
})

test('toServerFacts() leaves open what a managed server hides, and warningsOf() says what that costs', () => {
  const facts = toServerFacts(parseInfo(''), undefined)
  assert.deepEqual([facts.runId, facts.version, facts.role, knowsScriptFlags(facts)], [undefined, undefined, undefined, false])
  checkVersion(facts, 'redis://h')
  assert.match(warningsOf(facts, 'redis://h').join(), /run_id/)
})

test('warningsOf() names a policy that evicts', () => {
  assert.deepEqual(warningsOf(toServerFacts(parseInfo(INFO), undefined), 'u'), [])
  assert.match(warningsOf(toServerFacts(parseInfo(`${INFO}maxmemory_policy:volatile-lru`), undefined), 'u').join(), /volatile-lru/)
})

test('checkVersion() takes Redis 6.2, and flags of scripts begin with 7.0', () => {
  const of = (version: string) => toServerFacts(new Map([['redis_version', version]]), undefined)
  assert.throws(() => checkVersion(of('6.0.16'), 'u'), { code: 'COORDINATION_REFUSED', message: /6\.2 or later: 6\.0\.16/ })
  checkVersion(of('6.2.0'), 'u')
  checkVersion(of('10.1'), 'u')
  assert.deepEqual(['6.2.14', '7.0.0', '8.4.1'].map((each) => knowsScriptFlags(of(each))), [false, true, true])
})

test('checkSafety() tells every reason why a store is not strict', () => {
  const facts = toServerFacts(parseInfo(`${INFO}maxmemory_policy:allkeys-lru`), undefined)
  const store = { kind: 'cluster', url: 'redis+cluster://h' } as const
  checkSafety([facts], { safety: 'efficient', durability: 'async' }, store)
  assert.throws(() => checkSafety([facts], { safety: 'strict', durability: 'async' }, store), {
    code: 'COORDINATION_UNSAFE', message: /Cluster.*; durability is async.*; min-replicas-to-write is 0.*; maxmemory-policy is allkeys-lru/,
  })
  const safe = toServerFacts(parseInfo(`${INFO}min_slaves_good_slaves:1`), undefined)
  checkSafety([safe], { safety: 'strict', durability: 'replica' }, { kind: 'sentinel', url: 'u' })
})

test('toCodedError() tells what passes from what somebody must mend', () => {
  const reply = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' })
  const codeOf = (error: Error): string => toCodedError(error, { command: 'acquire', url: 'redis://h', prefix: 'reeve' }).code
  for (const message of ['LOADING x', 'READONLY x', 'MASTERDOWN x', 'CLUSTERDOWN x', 'MOVED 1 h:1', 'BUSY x', 'UNBLOCKED x']) assert.equal(codeOf(reply(message)), 'COORDINATION_UNAVAILABLE', message)
  for (const message of ['OOM x', 'NOPERM x', 'WRONGPASS x', 'NOAUTH x', 'MISCONF x', 'NOREPLICAS x', "ERR unknown command 'x'", 'WRONGTYPE x']) assert.equal(codeOf(reply(message)), 'COORDINATION_REFUSED', message)
  assert.equal(codeOf(new Error('Connection is closed.')), 'COORDINATION_UNAVAILABLE')
  assert.equal(codeOf(new Error('Ready check failed: NOAUTH Authentication required.')), 'COORDINATION_REFUSED')
})

test('toCodedError() says which rights are missing, and isFatal() what no retry mends', () => {
  const error = toCodedError(Object.assign(new Error('NOPERM no'), { name: 'ReplyError' }), { command: 'acquire', url: 'redis://h', prefix: 'x' })
  assert.match(error.message, /^Cannot run "acquire" as the user at redis:\/\/h needs the rights ~x:\* &x:\* \+@read.*: NOPERM no$/)
  assert.equal(isFatal(new Error('WRONGPASS invalid username-password pair')), true)
  assert.equal(isFatal(Object.assign(new Error('x'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })), true)
  assert.equal(isFatal(Object.assign(new Error('x'), { code: 'ECONNREFUSED' })), false)
})
