import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GroupReader, type GroupReply } from '#src/coordination/redis/group-reader.js'
import type { RedisPort } from '#src/coordination/redis/port.js'

/** A reader to whom the server gives `reply`, and nothing else. */
function readerOf(reply: GroupReply): GroupReader {
  const port: Pick<RedisPort, 'prefix' | 'commands'> = { prefix: 'reeve', commands: async () => reply }
  return new GroupReader(port as RedisPort)
}

test('read() gives the members by id, kept ones among them, with records and marks', async () => {
  const reader = readerOf(['7', ['b', '-90 {}', 'a', '130 {"x":1}', 'c', '130 broken'], ['b', '{"disabled":true}']])
  assert.deepEqual(await reader.read('g', Promise.resolve(100)), {
    version: 7,
    members: [
      { id: 'a', record: { x: 1 }, mark: undefined, leftMs: 30 },
      { id: 'b', record: {}, mark: { disabled: true }, leftMs: -10 },
      { id: 'c', record: {}, mark: undefined, leftMs: 30 },
    ],
  })
})

test('read() gives version 0 and nobody for a group that is not there', async () => {
  assert.deepEqual(await readerOf([null, [], []]).read('g', Promise.resolve(100)), { version: 0, members: [] })
})

test('read() parses a record again only when its text is another', async () => {
  const records = ['a', '130 {"x":1}']
  const reader = readerOf(['1', records, []])
  const recordNow = async () => (await reader.read('g', Promise.resolve(0))).members[0]?.record
  const first = await recordNow()
  records[1] = '180 {"x":1}'
  assert.equal(await recordNow(), first)
  records[1] = '180 {"x":2}'
  assert.deepEqual(await recordNow(), { x: 2 })
})
