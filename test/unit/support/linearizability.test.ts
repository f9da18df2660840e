import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkLinearizable, type Operation } from '../../support/linearizability.js'
import { fencedRegister, leases, membership, type FencedAction, type GroupAction, type LeaseAction } from '../../support/models.js'

type History<Action> = readonly Operation<Action>[]

/** One call: who, from when to when. */
function at<Action>(process: string, call: number, returned: number, action: Action): Operation<Action> {
  return { process, call, return: returned, action }
}

/** What takes effect at some time from `call` on, or never. */
function perhaps<Action>(process: string, call: number, action: Action, until = Infinity): Operation<Action> {
  return { process, call, return: until, action, optional: true }
}

const granted = (id: string, fence: number, weight = 1): LeaseAction => ({ kind: 'granted', id, weight, fence: BigInt(fence) })
const unanswered = (id: string): LeaseAction => ({ kind: 'granted', id, weight: 1, fence: undefined })
const again = (id: string, fence: number): LeaseAction => ({ kind: 'granted', id, weight: 1, fence: BigInt(fence), again: true })
const busy = (id: string, weight = 1): LeaseAction => ({ kind: 'busy', id, weight })
const extended = (id: string, done = true): LeaseAction => ({ kind: 'extended', id, done })
const released = (id: string, done = true): LeaseAction => ({ kind: 'released', id, done })
const expired = (id: string): LeaseAction => ({ kind: 'expired', id })

interface Case<Action> {
  readonly name: string
  readonly history: History<Action>
}

describe('a fenced mutex', () => {
  const good: readonly Case<LeaseAction>[] = [
    { name: 'nothing', history: [] },
    { name: 'one after the other', history: [at('p', 0, 1, granted('a', 1)), at('p', 2, 3, released('a')), at('q', 4, 5, granted('b', 2))] },
    { name: 'calls that overlap in the only order there is', history: [at('q', 0, 9, granted('b', 7)), at('p', 1, 2, granted('a', 3)), at('p', 4, 6, released('a'))] },
    { name: 'an acquisition that began long before the release it waited for', history: [at('p', 0, 1, granted('a', 1)), at('q', 2, 30, granted('b', 2)), at('p', 20, 29, released('a'))] },
    { name: 'a refusal while it is held', history: [at('p', 0, 1, granted('a', 1)), at('q', 2, 3, busy('b'))] },
    { name: 'the answer that was lost, asked for again', history: [perhaps('p', 0, unanswered('a')), at('p', 2, 3, again('a', 5)), at('p', 4, 5, released('a'))] },
    { name: 'an unanswered call that took effect later', history: [perhaps('p', 0, unanswered('a')), at('q', 1, 2, granted('b', 1)), at('q', 3, 4, released('b')), at('r', 5, 6, busy('c'))] },
    { name: 'an unanswered call that never took effect', history: [perhaps('p', 0, unanswered('a')), at('q', 1, 2, granted('b', 1))] },
    { name: 'an expiry after its time', history: [at('p', 0, 1, granted('a', 1)), perhaps('p', 10, expired('a')), at('q', 9, 12, granted('b', 2)), at('p', 13, 14, released('a', false))] },
    { name: 'a lease that did not expire at its time', history: [at('p', 0, 1, granted('a', 1)), perhaps('p', 10, expired('a')), at('p', 20, 21, extended('a')), at('p', 22, 23, released('a'))] },
    { name: 'an extension that came too late', history: [at('p', 0, 1, granted('a', 1)), perhaps('p', 10, expired('a')), at('p', 11, 12, extended('a', false))] },
  ]
  for (const { name, history } of good) {
    test(`checkLinearizable() accepts ${name}`, () => { assert.deepEqual(checkLinearizable(leases(1), history), { result: 'linearizable' }) })
  }

  const bad: readonly Case<LeaseAction>[] = [
    { name: 'two holders', history: [at('p', 0, 1, granted('a', 1)), at('q', 2, 3, granted('b', 2))] },
    { name: 'two holders whose calls overlap', history: [at('p', 0, 5, granted('a', 1)), at('q', 1, 4, granted('b', 2)), at('p', 6, 7, released('a')), at('q', 6, 7, released('b'))] },
    { name: 'a fence that does not grow', history: [at('p', 0, 1, granted('a', 2)), at('p', 2, 3, released('a')), at('q', 4, 5, granted('b', 2))] },
    { name: 'a fence that grows against the order of time', history: [at('p', 0, 1, granted('a', 9)), at('p', 2, 3, released('a')), at('q', 4, 5, granted('b', 8))] },
    { name: 'the release by a stranger', history: [at('p', 0, 1, granted('a', 1)), at('q', 2, 3, released('b'))] },
    { name: 'a release that works twice', history: [at('p', 0, 1, granted('a', 1)), at('p', 2, 3, released('a')), at('p', 4, 5, released('a'))] },
    { name: 'a release that finds nothing to release', history: [at('p', 0, 1, granted('a', 1)), at('p', 2, 3, released('a', false))] },
    { name: 'a grant before the release was called', history: [at('p', 0, 1, granted('a', 1)), at('q', 2, 5, granted('b', 2)), at('p', 6, 9, released('a'))] },
    { name: 'an expiry before its time', history: [at('p', 0, 1, granted('a', 1)), perhaps('p', 10, expired('a')), at('q', 2, 9, granted('b', 2))] },
    { name: 'an extension after another has held', history: [at('p', 0, 1, granted('a', 1)), perhaps('p', 10, expired('a')), at('q', 11, 12, granted('b', 2)), at('p', 13, 14, extended('a'))] },
    { name: 'an extension that fails without cause', history: [at('p', 0, 1, granted('a', 1)), perhaps('p', 10, expired('a')), at('p', 2, 3, extended('a', false))] },
    { name: 'a refusal when it is free', history: [at('p', 0, 1, granted('a', 1)), at('p', 2, 3, released('a')), at('q', 4, 5, busy('b'))] },
    { name: 'a second fence for one request', history: [at('p', 0, 1, granted('a', 1)), at('p', 2, 3, again('a', 2))] },
    { name: 'an unanswered call that took effect after its connection was gone', history: [perhaps('p', 0, unanswered('a'), 3), at('q', 4, 5, granted('b', 1)), at('q', 6, 7, released('b')), at('r', 8, 9, busy('c'))] },
  ]
  for (const { name, history } of bad) {
    test(`checkLinearizable() rejects ${name}`, () => { assert.equal(checkLinearizable(leases(1), history).result, 'violation') })
  }

  test('checkLinearizable() shows the call that fits nowhere and those about it', () => {
    const verdict = checkLinearizable(leases(1), [at('p1', 0, 1, granted('a', 1)), at('p2', 2, 3, granted('b', 2))])
    assert.ok(verdict.result === 'violation')
    const [head, first, second] = verdict.timeline.split('\n')
    assert.equal(head, 'After the best 1 calls the state is a=1x1 last fence 1. The call marked > fits nowhere.')
    assert.match(first ?? '', /^ {7}#1 p1 \|├─+┤ +\| acquires a x1 → 1 {2}0\.000 … 1\.000 ms$/)
    assert.match(second ?? '', /^> +p2 \| +├─+┤\| acquires b x1 → 2 {2}2\.000 … 3\.000 ms$/)
  })
})

describe('a semaphore of 3', () => {
  const three = [at('p', 0, 1, granted('a', 1)), at('q', 0, 1, granted('b', 2, 2))]
  test('checkLinearizable() accepts as much as there is', () => {
    assert.equal(checkLinearizable(leases(3), [...three, at('r', 2, 3, busy('c')), at('p', 4, 5, released('a')), at('r', 6, 7, granted('c', 3))]).result, 'linearizable')
  })
  test('checkLinearizable() rejects one more', () => {
    assert.equal(checkLinearizable(leases(3), [...three, at('r', 2, 3, granted('c', 3))]).result, 'violation')
  })
})

describe('a read/write lock', () => {
  const WRITER = 100
  test('checkLinearizable() accepts readers together and a writer alone', () => {
    const history = [
      at('p', 0, 1, granted('a', 1)), at('q', 0, 1, granted('b', 2)), at('w', 0, 9, granted('c', 3, WRITER)),
      at('p', 2, 3, released('a')), at('q', 4, 5, released('b')), at('p', 10, 11, busy('d')),
    ]
    assert.equal(checkLinearizable(leases(WRITER), history).result, 'linearizable')
  })
  test('checkLinearizable() rejects a writer beside a reader', () => {
    assert.equal(checkLinearizable(leases(WRITER), [at('p', 0, 1, granted('a', 1)), at('w', 2, 3, granted('c', 3, WRITER))]).result, 'violation')
  })
})

describe('a fenced register', () => {
  const write = (value: number, fence: number, accepted = true): FencedAction => ({ kind: 'write', value, fence: BigInt(fence), accepted })
  const update = (from: number, to: number, fence: number): FencedAction => ({ kind: 'update', from, to, fence: BigInt(fence) })
  const read = (value: number): FencedAction => ({ kind: 'read', value })

  test('checkLinearizable() accepts the refusal of an older fence', () => {
    assert.equal(checkLinearizable(fencedRegister, [at('p', 0, 1, write(5, 2)), at('q', 2, 3, write(6, 1, false)), at('r', 4, 5, read(5))]).result, 'linearizable')
  })
  const bad: readonly Case<FencedAction>[] = [
    { name: 'a lost update', history: [at('p', 0, 5, update(0, 1, 1)), at('q', 2, 7, update(0, 2, 2))] },
    { name: 'a stale read', history: [at('p', 0, 1, write(5, 1)), at('q', 2, 3, read(0))] },
    { name: 'two readers who see two orders', history: [at('p', 0, 9, write(1, 1)), at('q', 0, 9, write(2, 1)), at('r', 0, 3, read(1)), at('r', 4, 9, read(2)), at('s', 0, 3, read(2)), at('s', 4, 9, read(1))] },
    { name: 'an older fence accepted', history: [at('p', 0, 1, write(5, 2)), at('q', 2, 3, write(6, 1))] },
    { name: 'the newest fence refused', history: [at('p', 0, 1, write(5, 1)), at('q', 2, 3, write(6, 2, false))] },
  ]
  for (const { name, history } of bad) {
    test(`checkLinearizable() rejects ${name}`, () => { assert.equal(checkLinearizable(fencedRegister, history).result, 'violation') })
  }
})

describe('a group', () => {
  const beat = (member: string, joined: boolean): GroupAction => ({ kind: 'beat', member, joined })
  const read = (version: number, ...members: readonly string[]): GroupAction => ({ kind: 'read', version, members })

  test('checkLinearizable() accepts joining, dropping and coming back', () => {
    const history = [
      at('a', 0, 1, beat('a', true)), at('r', 2, 3, read(1, 'a')), perhaps('a', 10, { kind: 'dropped', member: 'a' } as const),
      at('r', 11, 12, read(2)), at('a', 13, 14, beat('a', true)), at('r', 15, 16, read(3, 'a')), at('r', 17, 18, read(3, 'a')),
    ]
    assert.equal(checkLinearizable(membership, history).result, 'linearizable')
  })
  const bad: readonly Case<GroupAction>[] = [
    { name: 'a member who is not seen', history: [at('a', 0, 1, beat('a', true)), at('r', 2, 3, read(1))] },
    { name: 'a change without a new version', history: [at('a', 0, 1, beat('a', true)), at('r', 2, 3, read(1, 'a')), at('b', 4, 5, beat('b', true)), at('r', 6, 7, read(1, 'a', 'b'))] },
    { name: 'a member dropped before its time', history: [at('a', 0, 1, beat('a', true)), perhaps('a', 10, { kind: 'dropped', member: 'a' }), at('r', 2, 3, read(2))] },
    { name: 'a rejoining that is not told', history: [at('a', 0, 1, beat('a', true)), at('a', 2, 3, { kind: 'left', member: 'a', done: true }), at('a', 4, 5, beat('a', false))] },
  ]
  for (const { name, history } of bad) {
    test(`checkLinearizable() rejects ${name}`, () => { assert.equal(checkLinearizable(membership, history).result, 'violation') })
  }
})

describe('a long history', () => {
  /** Ten processes that take turns at one lock, waiting long; each third holder dies, each seventh answer is lost. */
  function turns(count: number): Operation<LeaseAction>[] {
    const calls: Operation<LeaseAction>[] = []
    for (let turn = 0; turn < count; turn++) {
      const [process, id, start] = [`p${turn % 10}`, `${turn}`, turn * 10]
      const lost = turn % 7 === 6
      calls.push(lost ? perhaps(process, start - 80, unanswered(id), start + 100) : at(process, start - 80, start + 2, granted(id, turn + 1)))
      if (turn % 3 === 2 || lost) calls.push(perhaps(process, start + 5, expired(id)))
      else calls.push(at(process, start + 4, start + 9, released(id)))
      calls.push(at(process, start + 30, start + 35, extended(id, false)))
    }
    return calls
  }

  test('checkLinearizable() judges 6 000 calls well within its time', () => {
    assert.equal(checkLinearizable(leases(1), turns(2_000), 10_000).result, 'linearizable')
  })

  test('checkLinearizable() finds the one wrong call among 6 000', () => {
    const history = turns(2_000)
    const verdict = checkLinearizable(leases(1), [...history, at('thief', 15_003, 15_003.5, granted('stolen', 1_501))], 10_000)
    assert.equal(verdict.result, 'violation')
  })

  test('checkLinearizable() says that it is undecided when its time is up', () => {
    const writes = Array.from({ length: 30 }, (_, index) => at(`p${index}`, 0, 10, { kind: 'write', value: index, fence: 1n, accepted: true } as const))
    const verdict = checkLinearizable(fencedRegister, [...writes, at('q', 11, 12, { kind: 'read', value: 99 })], 50)
    assert.equal(verdict.result, 'undecided')
  })
})
