import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseEnded, parseResource } from '#src/coordination/redis/parse-resource.js'

const holder = (expires: number, fence: number, delay = 0) => `{"expires":${expires},"fence":${fence},"weight":1,"delay":${delay},"since":5,"host":"a"}`

test('parseResource() knows nothing of what is not stored', () => {
  assert.equal(parseResource('lock:a', 10, [], []), undefined)
})

test('parseResource() gives holders by age and waiters by queue', () => {
  const fields = ['capacity', '2', 'fence', '8', 'holder:y', holder(30, 8), 'holder:x', holder(40, 7), 'waiter:z', '25 2 reeve:wake:1', 'waiter:dead', '9 1 reeve:wake:1']
  assert.deepEqual(parseResource('lock:a', 10, fields, ['dead', 'z']), {
    name: 'lock:a',
    capacity: 2,
    fence: 8n,
    holders: [
      { id: 'x', fence: 7n, weight: 1, since: 5, leftMs: 30, record: { host: 'a' } },
      { id: 'y', fence: 8n, weight: 1, since: 5, leftMs: 20, record: { host: 'a' } },
    ],
    waiters: [{ id: 'dead', weight: 1, leftMs: 0 }, { id: 'z', weight: 2, leftMs: 15 }],
    closedMs: 0,
    last: '',
  })
})

test('parseResource() takes a lease that has run out for over, with its lock delay', () => {
  const resource = parseResource('lock:a', 10, ['last', 'forced', 'closed', '11', 'holder:x', holder(10, 7, 5), 'holder:y', holder(9, 8)], [])
  assert.deepEqual([resource?.holders, resource?.closedMs, resource?.last], [[], 5, 'expired x fence 7 at 10'])
})

test('parseEnded() gives the holders by age', () => {
  assert.deepEqual(parseEnded(['10', 'y', holder(30, 8), 'x', holder(40, 7)]).map(({ id, leftMs }) => [id, leftMs]), [['x', 30], ['y', 20]])
  assert.deepEqual(parseEnded(['10']), [])
})
