import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  renderGroups, renderLeaders, renderLock, renderLocks, renderMembers, renderServices, toGroupJson, toLeaderJson, toLockJson, toMembersJson, toServiceJson,
} from '#src/cli/render-coordination.js'
import { renderAge } from '#src/cli/table.js'
import type { HolderSnapshot, ResourceSnapshot } from '#src/coordination/store.js'

const SINCE = Date.parse('2026-01-31T09:30:00.000Z')
const NOW = SINCE + 185_000

const holder: HolderSnapshot = {
  id: 'h1/volume/0#4242.a3f9.17', fence: 1_769_851_800_000_000n, weight: 1, since: SINCE, leftMs: 12_400,
  record: { member: 'h1/volume/0', host: 'h1', pid: 4_242, worker: 'volume/0' },
}

const held: ResourceSnapshot = {
  name: 'lock:volume-7', capacity: 1, fence: 1_769_851_800_000_000n, holders: [holder],
  waiters: [{ id: 'h2/volume/1#7.b.1', weight: 1, leftMs: 900 }, { id: 'h2/volume/0#8.c.2', weight: 1, leftMs: 800 }], closedMs: 0, last: '',
}

const closed: ResourceSnapshot = { name: 'lock:a:b', capacity: 4, fence: 5n, holders: [], waiters: [], closedMs: 3_000, last: 'forced by root@h1 (stuck)' }

test('toLockJson() has text for fences, ISO and ms for times, and no kind in the name', () => {
  assert.deepEqual(toLockJson(held, NOW), {
    name: 'volume-7', capacity: 1, fence: '1769851800000000',
    holders: [{ member: 'h1/volume/0', host: 'h1', pid: 4_242, worker: 'volume/0', fence: '1769851800000000', weight: 1, since: '2026-01-31T09:30:00.000Z', ageMs: 185_000, leftMs: 12_400 }],
    waiters: [{ member: 'h2/volume/1', weight: 1, leftMs: 900 }, { member: 'h2/volume/0', weight: 1, leftMs: 800 }], closedMs: 0, last: '',
  })
})

test('toLockJson() takes a clock behind the store\'s for no age, and a strange record for none', () => {
  const [found] = toLockJson({ ...held, holders: [{ ...holder, record: { host: 7, pid: 'x', worker: {} } }] }, SINCE - 5_000).holders
  assert.deepEqual([found?.host, found?.pid, found?.worker, found?.ageMs], [null, null, null, 0])
})

test('renderLocks() has a row for each holder, and one for a lock that nobody holds', () => {
  assert.equal(renderLocks([toLockJson(held, NOW), toLockJson(closed, NOW)]), [
    'LOCK      HOLDER              HOST  PID   WORKER    SINCE                     AGE    FENCE             WEIGHT  LEFT  QUEUE',
    'volume-7  h1/volume/0         h1    4242  volume/0  2026-01-31T09:30:00.000Z  3m05s  1769851800000000  1/1     12 s  2',
    'a:b       (closed for 3.0 s)  -     -     -         -                         -      -                 0/4     -     0',
    '',
  ].join('\n'))
  const two = toLockJson({ ...held, capacity: 5, holders: [{ ...holder, weight: 2 }, { ...holder, id: 'h3#1.a.1', weight: 3 }] }, NOW)
  assert.match(renderLocks([two]), /^LOCK.*\nvolume-7 +h1\/volume\/0 .* 2\/5 .*\nvolume-7 +h3 .* 3\/5 /)
  assert.match(renderLocks([toLockJson({ ...held, holders: [] }, NOW)]), /\(nobody\)/)
})

test('renderLocks() of none says so', () => assert.equal(renderLocks([]), 'no lock is held\n'))

test('renderLock() is who holds it, what happened last, and the queue in its order', () => {
  assert.equal(renderLock('volume-7', toLockJson({ ...held, last: 'expired x' }, NOW)), [
    'volume-7 is held by h1/volume/0',
    'last: expired x',
    '',
    'HOLDER       HOST  PID   WORKER    SINCE                     AGE    FENCE             WEIGHT  LEFT',
    'h1/volume/0  h1    4242  volume/0  2026-01-31T09:30:00.000Z  3m05s  1769851800000000  1/1     12 s',
    '',
    'QUEUE  WAITING      WEIGHT',
    '1      h2/volume/1  1',
    '2      h2/volume/0  1',
    '',
  ].join('\n'))
})

test('renderLock() of one that is free says so, and what is left of a lock delay', () => {
  assert.equal(renderLock('a', undefined), 'a is free\n')
  assert.equal(renderLock('a:b', toLockJson(closed, NOW)), 'a:b is held by nobody, and closed for 3.0 s more\nlast: forced by root@h1 (stuck)\n')
})

test('renderLeaders() shows the leader with its value, or nobody', () => {
  const led = toLeaderJson({ ...held, name: 'leader:cleaner', holders: [{ ...holder, record: { ...holder.record, value: { port: 1 } } }] }, NOW)
  const none = toLeaderJson({ ...held, name: 'leader:idle', holders: [] }, NOW)
  assert.deepEqual([led.leader, led.epoch, led.value, led.candidates], ['h1/volume/0', '1769851800000000', { port: 1 }, ['h2/volume/1', 'h2/volume/0']])
  assert.equal(renderLeaders([led, none]), [
    'ELECTION  LEADER       HOST  PID   WORKER    EPOCH             SINCE                     AGE    CANDIDATES  VALUE',
    'cleaner   h1/volume/0  h1    4242  volume/0  1769851800000000  2026-01-31T09:30:00.000Z  3m05s  2           {"port":1}',
    'idle      (nobody)     -     -     -         -                 -                         -      2           -',
    '',
  ].join('\n'))
  assert.equal(renderLeaders([]), 'there is no leader\n')
})

const group = {
  version: 12,
  members: [
    { id: 'h1', record: { host: 'h1', pid: 1, members: { 'h1/v/0': { weight: 2 }, 'h1/v/1': {} } }, mark: undefined, leftMs: 9_000 },
    { id: 'h2', record: { host: 'h2', pid: 2, members: { 'h2/v/0': { note: 'x'.repeat(300) } } }, mark: undefined, leftMs: -2_500 },
  ],
}

test('renderGroups() counts members, not hosts', () => {
  assert.equal(renderGroups([toGroupJson('volumes', group)]), 'GROUP    MEMBERS  VERSION\nvolumes  3        12\n')
  assert.equal(renderGroups([]), 'there is no group\n')
})

test('renderMembers() shows each with what is left of its host, and cuts what is long', () => {
  const lines = renderMembers(toMembersJson(group)).split('\n')
  assert.deepEqual(lines.slice(0, 3), [
    'MEMBER  HOST  LEFT            CAPABILITIES',
    'h1/v/0  h1    9.0 s           {"weight":2}',
    'h1/v/1  h1    9.0 s           {}',
  ])
  assert.match(lines[3] ?? '', /^h2\/v\/0 {2}h2 {4}dead for 2\.5 s {2}\{"note":"x+…$/)
  assert.equal(renderMembers([]), 'the group has no member\n')
})

test('renderServices() tells up, down and disabled apart', () => {
  const record = { id: 'h1', record: {}, up: true, lastSeenMs: 400, disabled: false, disabledReason: undefined }
  const shown = [record, { ...record, id: 'h2', up: false, lastSeenMs: 90_000 }, { ...record, id: 'h3', up: false, disabled: true, disabledReason: 'disks' }].map(toServiceJson)
  assert.equal(renderServices(shown), [
    'SERVICE  STATE     LAST SEEN  REASON',
    'h1       up        0.4 s      -',
    'h2       down      1m30s      -',
    'h3       disabled  0.4 s      disks',
    '',
  ].join('\n'))
  assert.equal(renderServices([]), 'no service has ever reported\n')
})

const ages: readonly (readonly [number, string])[] = [[0, '0.0 s'], [9_999, '10.0 s'], [10_000, '10 s'], [185_000, '3m05s'], [7_620_000, '2h07m'], [442_800_000, '5d03h']]

for (const [ms, text] of ages) test(`renderAge(${ms}) is ${text}`, () => assert.equal(renderAge(ms), text))
