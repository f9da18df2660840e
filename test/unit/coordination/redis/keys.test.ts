import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupKeys, groupOfMembersKey, queueKey, resourceKey, resourceOfKey } from '#src/coordination/redis/keys.js'

const NAMES = ['a', 'a b', 'a:b', '{a}', 'a}', '}', '{', 'a}:queue', 'a}:members', 'ключ', '*?[x]']

test('resourceOfKey() reads back what resourceKey() wrote, whatever the name', () => {
  for (const name of NAMES) assert.equal(resourceOfKey('reeve', resourceKey('reeve', `lock:${name}`)), `lock:${name}`)
})

test('groupOfMembersKey() reads back what groupKeys() wrote, whatever the name', () => {
  for (const name of NAMES) assert.equal(groupOfMembersKey('reeve', groupKeys('reeve', name)[1]), name)
})

test('resourceKey() and groupKeys() keep the keys of one thing in one hash tag', () => {
  for (const name of NAMES) {
    const resource = resourceKey('reeve', `lock:${name}`)
    for (const keys of [[resource, queueKey(resource)], groupKeys('reeve', name)]) assert.equal(new Set(keys.map(tagOf)).size, 1, name)
  }
})

test('resourceKey(), queueKey() and groupKeys() give no key to two things', () => {
  const keys = NAMES.flatMap((name) => {
    const resource = resourceKey('reeve', `lock:${name}`)
    return [resource, queueKey(resource), ...groupKeys('reeve', name)]
  })
  assert.equal(new Set(keys).size, keys.length)
})

/** What Redis Cluster hashes of a key. */
function tagOf(key: string): string {
  const start = key.indexOf('{')
  const end = key.indexOf('}', start)
  assert.ok(end > start + 1, `no tag in ${key}`)
  return key.slice(start + 1, end)
}
