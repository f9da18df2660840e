import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { addFenceColumn, assertFenced, fencedUpdate } from '#src/coordination/fence/sql.js'
import { notRun } from '../../../support/not-run.js'

const columns = { table: 'volumes', set: ['state', 'size'], where: ['pool', 'id'] } as const
const values = { set: { size: 5, state: 'ready' }, where: { id: 7, pool: 'ssd' }, fence: 1_763_709_265_000_000n }

test('fencedUpdate() for postgres uses the fence twice and passes it once', () => {
  const { text, parameters, values: bind } = fencedUpdate({ ...columns, dialect: 'postgres' })
  assert.equal(text, 'UPDATE "volumes" SET "state" = $1, "size" = $2, "fence" = $3 WHERE "pool" = $4 AND "id" = $5 AND "fence" <= $3')
  assert.deepEqual(parameters, [{ kind: 'set', column: 'state' }, { kind: 'set', column: 'size' }, { kind: 'fence' }, { kind: 'where', column: 'pool' }, { kind: 'where', column: 'id' }])
  assert.deepEqual(bind(values), ['ready', 5, '1763709265000000', 'ssd', 7])
})

test('fencedUpdate() for mysql and sqlite passes the fence twice', () => {
  const mysql = fencedUpdate({ ...columns, fenceColumn: 'lease', dialect: 'mysql' })
  assert.equal(mysql.text, 'UPDATE `volumes` SET `state` = ?, `size` = ?, `lease` = ? WHERE `pool` = ? AND `id` = ? AND `lease` <= ?')
  assert.deepEqual(mysql.values(values), ['ready', 5, '1763709265000000', 'ssd', 7, '1763709265000000'])
  const sqlite = fencedUpdate({ table: 'main.volumes', set: [], where: ['id'], dialect: 'sqlite' })
  assert.equal(sqlite.text, 'UPDATE "main"."volumes" SET "fence" = ? WHERE "id" = ? AND "fence" <= ?')
})

test('fencedUpdate() tells a column that is set from the same one in where', () => {
  const { text, values: bind } = fencedUpdate({ table: 't', set: ['a'], where: ['a'], dialect: 'postgres' })
  assert.equal(text, 'UPDATE "t" SET "a" = $1, "fence" = $2 WHERE "a" = $3 AND "fence" <= $2')
  assert.deepEqual(bind({ set: { a: 1 }, where: { a: 0 }, fence: 9n }), [1, '9', 0])
})

for (const bad of ['', 'a b', 'a"b', 'a`b', "a'", 'a;--', '1a', 'é', 'a..b', '.a', 'x'.repeat(64)]) {
  test(`fencedUpdate() refuses the name ${JSON.stringify(bad).slice(0, 20)}`, () => {
    assert.throws(() => fencedUpdate({ ...columns, table: bad, dialect: 'sqlite' }), RangeError)
    assert.throws(() => fencedUpdate({ ...columns, set: [bad], dialect: 'sqlite' }), RangeError)
    assert.throws(() => fencedUpdate({ ...columns, where: [bad], dialect: 'mysql' }), RangeError)
    assert.throws(() => fencedUpdate({ ...columns, fenceColumn: bad, dialect: 'postgres' }), RangeError)
    assert.throws(() => addFenceColumn({ table: bad, dialect: 'postgres' }), RangeError)
  })
}

test('fencedUpdate() refuses to write every row, a column twice, and the fence by hand', () => {
  assert.throws(() => fencedUpdate({ ...columns, where: [], dialect: 'sqlite' }), RangeError)
  assert.throws(() => fencedUpdate({ ...columns, set: ['a', 'a'], dialect: 'sqlite' }), RangeError)
  assert.throws(() => fencedUpdate({ ...columns, set: ['fence'], dialect: 'sqlite' }), RangeError)
})

test('fencedUpdate() refuses to bind a column without a value, and a fence out of bounds', () => {
  const { values: bind } = fencedUpdate({ ...columns, dialect: 'sqlite' })
  assert.throws(() => bind({ ...values, set: { state: 'ready' } }), { name: 'TypeError', message: 'Cannot update as every column has a value: "size" of "set" has none' })
  assert.throws(() => bind({ ...values, fence: 2n ** 53n }), RangeError)
  assert.deepEqual(bind({ ...values, set: { state: null, size: undefined } }).slice(0, 2), [null, undefined])
})

test('assertFenced() passes when a row was changed, whatever the database counts with', () => {
  for (const rows of [1, 2, 1n]) assertFenced(rows, { resource: 'volume 7', fence: 1n })
  for (const rows of [0, 0n, null, undefined]) {
    assert.throws(() => assertFenced(rows, { resource: 'volume 7', fence: 12n }), { code: 'FENCE_STALE', message: 'Cannot write "volume 7" as it has seen a newer fence, or is missing: 12', details: { resource: 'volume 7', fence: '12' } })
  }
})

const PROGRAM = `
import json, sqlite3, sys
db = sqlite3.connect(':memory:', isolation_level=None)
for line in sys.stdin:
    text, args = json.loads(line)
    cursor = db.execute(text, args)
    print(json.dumps([cursor.fetchall(), cursor.rowcount]), flush=True)
`
const hasSqlite = spawnSync('python3', ['-c', 'import sqlite3']).status === 0

test('fencedUpdate() in SQLite lets no older fence write after a newer one', { skip: !hasSqlite && notRun('fencedUpdate() in SQLite', 'there is no python3 with sqlite3') }, async () => {
  const child = spawn('python3', ['-c', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const run = async (text: string, args: readonly unknown[] = []): Promise<[unknown[][], number]> => {
    child.stdin.write(`${JSON.stringify([text, args])}\n`)
    return JSON.parse(String((await answers.next()).value)) as [unknown[][], number]
  }
  const statement = fencedUpdate({ table: 'volumes', set: ['state'], where: ['id'], dialect: 'sqlite' })
  const write = async (id: number, fence: bigint): Promise<void> => {
    const [, changed] = await run(statement.text, statement.values({ set: { state: `by ${fence}` }, where: { id }, fence }))
    assertFenced(changed, { resource: `volume ${id}`, fence })
  }
  await run('CREATE TABLE volumes (id INTEGER PRIMARY KEY, state TEXT)')
  await run("INSERT INTO volumes VALUES (7, 'new'), (8, 'new')")
  await run(addFenceColumn({ table: 'volumes', dialect: 'sqlite' }))
  // 9 is more than 10 as text.
  for (const fence of [9n, 10n, 10n, 2n ** 53n - 2n, 2n ** 53n - 1n]) await write(7, fence)
  for (const fence of [9n, 10n, 2n ** 53n - 2n]) await assert.rejects(write(7, fence), { code: 'FENCE_STALE' })
  await assert.rejects(write(99, 1n), { code: 'FENCE_STALE' })
  assert.deepEqual((await run('SELECT id, state, fence, typeof(fence) FROM volumes ORDER BY id'))[0], [[7, 'by 9007199254740991', 9007199254740991, 'integer'], [8, 'new', 0, 'integer']])
  const ended = once(child, 'exit')
  child.stdin.end()
  await ended
})
