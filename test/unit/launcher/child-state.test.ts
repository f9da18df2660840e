import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { deadlineOf, newChild, postpone, step, type Child, type ChildEvent, type ChildPolicy, type ChildState, type Effect } from '#src/launcher/child-state.js'

const NOW = 100_000

const policy: ChildPolicy = {
  restartType: 'permanent', bootTimeoutMs: 60_000, hangTimeoutMs: 30_000, minHealthyMs: 10_000,
  gracefulShutdownTimeoutMs: 20_000, backoffMaxMs: 30_000, random: () => 1,
}

const states = {
  waiting: { name: 'waiting', startAt: NOW },
  'waiting longer': { name: 'waiting', startAt: NOW + 1 },
  starting: { name: 'starting', readyBy: NOW + 1 },
  'starting too long': { name: 'starting', readyBy: NOW },
  ready: { name: 'ready', since: NOW - 9_999, beatBy: NOW + 1 },
  'ready and healthy': { name: 'ready', since: NOW - 10_000, beatBy: NOW + 1 },
  'ready and silent': { name: 'ready', since: NOW - 9_999, beatBy: NOW },
  'healthy and silent': { name: 'ready', since: NOW - 10_000, beatBy: NOW },
  'stopping for good': { name: 'stopping', killAt: NOW + 1, afterwards: 'stop' },
  'stopping too long': { name: 'stopping', killAt: NOW, afterwards: 'stop' },
  'stopping by itself': { name: 'stopping', killAt: NOW + 1, afterwards: 'restart' },
  'stopping by itself at its boot': { name: 'stopping', killAt: NOW + 1, afterwards: 'count and restart' },
  'stopping by itself too long': { name: 'stopping', killAt: NOW, afterwards: 'restart' },
  'killed for good': { name: 'killed', reason: 'forced', afterwards: 'stop', healthy: false },
  'killed at its boot': { name: 'killed', reason: 'boot timeout', afterwards: 'restart', healthy: false },
  'killed as it hung': { name: 'killed', reason: 'hung', afterwards: 'restart', healthy: false },
  'killed as it hung, healthy': { name: 'killed', reason: 'hung', afterwards: 'restart', healthy: true },
  'killed at its deadline': { name: 'killed', reason: 'deadline', afterwards: 'restart', healthy: false },
  stopped: { name: 'stopped' },
} as const satisfies Record<string, ChildState>

const events = {
  ready: { type: 'ready' },
  beat: { type: 'beat' },
  stopping: { type: 'stopping' },
  'extend 5 s': { type: 'extend', ms: 5_000 },
  'exit 0': { type: 'exited', code: 0, signal: null },
  'exit 1': { type: 'exited', code: 1, signal: null },
  'exit by SIGTERM': { type: 'exited', code: null, signal: 'SIGTERM' },
  'exit by SIGSEGV': { type: 'exited', code: null, signal: 'SIGSEGV' },
  stop: { type: 'stop' },
  kill: { type: 'kill' },
  tick: { type: 'tick' },
} as const satisfies Record<string, ChildEvent>

type StateName = keyof typeof states
type EventName = keyof typeof events

const same = 'same'
const starting = 'starting until +60000 | fork'
const ready = 'ready since +0, beats until +30000'
const drains = 'stopping until +20000, then stop | term'
const drainsByItself = 'stopping until +20000, then restart'
const givesUpItsBoot = 'stopping until +20000, then count and restart'
const forced = 'killed (forced), then stop | kill forced'
const again = 'waiting until +0'
const died = (delayMs: number, what: 'booted' | 'unbooted'): string => `waiting until +${delayMs}, failures ${delayMs === 0 ? 0 : 3} | count ${what} death`

/** Every state × every event. Where nothing is said of an event, nothing happens. The child has failed twice before. */
const table: Readonly<Record<StateName, Partial<Record<EventName, string>>>> = {
  waiting: { stop: 'stopped', kill: 'stopped', tick: starting },
  'waiting longer': { stop: 'stopped', kill: 'stopped' },
  starting: {
    ready, stopping: givesUpItsBoot, 'extend 5 s': 'starting until +5000', stop: drains, kill: forced,
    'exit 0': died(400, 'unbooted'), 'exit 1': died(400, 'unbooted'), 'exit by SIGTERM': died(400, 'unbooted'), 'exit by SIGSEGV': died(400, 'unbooted'),
  },
  'starting too long': {
    ready, stopping: givesUpItsBoot, 'extend 5 s': 'starting until +5000', stop: drains, kill: forced,
    'exit 0': died(400, 'unbooted'), 'exit 1': died(400, 'unbooted'), 'exit by SIGTERM': died(400, 'unbooted'), 'exit by SIGSEGV': died(400, 'unbooted'),
    tick: 'killed (boot timeout), then restart | kill boot timeout',
  },
  ready: {
    beat: 'ready since -9999, beats until +30000', stopping: drainsByItself, stop: drains, kill: forced,
    'exit 0': died(400, 'booted'), 'exit 1': died(400, 'booted'), 'exit by SIGTERM': died(0, 'booted'), 'exit by SIGSEGV': died(400, 'booted'),
  },
  'ready and healthy': {
    beat: 'ready since -10000, beats until +30000', stopping: drainsByItself, stop: drains, kill: forced,
    'exit 0': died(0, 'booted'), 'exit 1': died(0, 'booted'), 'exit by SIGTERM': died(0, 'booted'), 'exit by SIGSEGV': died(0, 'booted'),
  },
  'ready and silent': {
    beat: 'ready since -9999, beats until +30000', stopping: drainsByItself, stop: drains, kill: forced,
    'exit 0': died(400, 'booted'), 'exit 1': died(400, 'booted'), 'exit by SIGTERM': died(0, 'booted'), 'exit by SIGSEGV': died(400, 'booted'),
    tick: 'killed (hung), then restart | kill hung',
  },
  'healthy and silent': {
    beat: 'ready since -10000, beats until +30000', stopping: drainsByItself, stop: drains, kill: forced,
    'exit 0': died(0, 'booted'), 'exit 1': died(0, 'booted'), 'exit by SIGTERM': died(0, 'booted'), 'exit by SIGSEGV': died(0, 'booted'),
    tick: 'killed (hung, healthy), then restart | kill hung',
  },
  'stopping for good': {
    'extend 5 s': 'stopping until +5000, then stop', kill: forced,
    'exit 0': 'stopped', 'exit 1': 'stopped', 'exit by SIGTERM': 'stopped', 'exit by SIGSEGV': 'stopped',
  },
  'stopping too long': {
    'extend 5 s': 'stopping until +5000, then stop', kill: forced, tick: 'killed (deadline), then stop | kill deadline',
    'exit 0': 'stopped', 'exit 1': 'stopped', 'exit by SIGTERM': 'stopped', 'exit by SIGSEGV': 'stopped',
  },
  'stopping by itself': {
    stop: 'stopping until +1, then stop', 'extend 5 s': 'stopping until +5000, then restart', kill: forced,
    'exit 0': again, 'exit 1': again, 'exit by SIGTERM': again, 'exit by SIGSEGV': again,
  },
  'stopping by itself at its boot': {
    stop: 'stopping until +1, then stop', 'extend 5 s': 'stopping until +5000, then count and restart', kill: forced,
    'exit 0': died(400, 'unbooted'), 'exit 1': died(400, 'unbooted'), 'exit by SIGTERM': died(400, 'unbooted'), 'exit by SIGSEGV': died(400, 'unbooted'),
  },
  'stopping by itself too long': {
    stop: 'stopping until +0, then stop', 'extend 5 s': 'stopping until +5000, then restart', kill: forced,
    tick: 'killed (deadline), then restart | kill deadline',
    'exit 0': again, 'exit 1': again, 'exit by SIGTERM': again, 'exit by SIGSEGV': again,
  },
  'killed for good': { 'exit 0': 'stopped', 'exit 1': 'stopped', 'exit by SIGTERM': 'stopped', 'exit by SIGSEGV': 'stopped' },
  'killed at its boot': {
    stop: 'killed (boot timeout), then stop', kill: 'killed (boot timeout), then stop',
    'exit 0': died(400, 'unbooted'), 'exit 1': died(400, 'unbooted'), 'exit by SIGTERM': died(400, 'unbooted'), 'exit by SIGSEGV': died(400, 'unbooted'),
  },
  'killed as it hung': {
    stop: 'killed (hung), then stop', kill: 'killed (hung), then stop',
    'exit 0': died(400, 'booted'), 'exit 1': died(400, 'booted'), 'exit by SIGTERM': died(400, 'booted'), 'exit by SIGSEGV': died(400, 'booted'),
  },
  'killed as it hung, healthy': {
    stop: 'killed (hung, healthy), then stop', kill: 'killed (hung, healthy), then stop',
    'exit 0': died(0, 'booted'), 'exit 1': died(0, 'booted'), 'exit by SIGTERM': died(0, 'booted'), 'exit by SIGSEGV': died(0, 'booted'),
  },
  'killed at its deadline': {
    stop: 'killed (deadline), then stop', kill: 'killed (deadline), then stop',
    'exit 0': again, 'exit 1': again, 'exit by SIGTERM': again, 'exit by SIGSEGV': again,
  },
  stopped: {},
}

describe('step()', () => {
  for (const [stateName, state] of Object.entries(states)) {
    for (const [eventName, event] of Object.entries(events)) {
      const expected = table[stateName as StateName][eventName as EventName] ?? same
      test(`${stateName} × ${eventName} → ${expected}`, () => {
        const before: Child = { state, failures: 2 }
        const { child, effects } = step(before, event, policy, NOW)
        const wanted = expected === same ? describeStep(before, []) : expected.includes('failures') ? expected : expected.replace(/( \||$)/, ', failures 2$1')
        assert.equal(describeStep(child, effects), wanted)
      })
    }
  }
})

/** `starting until +60000, failures 2 | fork`: times as seen from NOW. */
function describeStep({ state, failures }: Child, effects: readonly Effect[]): string {
  return [`${describeState(state)}, failures ${failures}`, ...effects.map(describeEffect)].join(' | ')
}

function describeState(state: ChildState): string {
  const at = (time: number): string => `${time < NOW ? '' : '+'}${time - NOW}`
  switch (state.name) {
    case 'waiting': return `waiting until ${at(state.startAt)}`
    case 'starting': return `starting until ${at(state.readyBy)}`
    case 'ready': return `ready since ${at(state.since)}, beats until ${at(state.beatBy)}`
    case 'stopping': return `stopping until ${at(state.killAt)}, then ${state.afterwards}`
    case 'killed': return `killed (${state.reason}${state.healthy ? ', healthy' : ''}), then ${state.afterwards}`
    case 'stopped': return 'stopped'
  }
}

function describeEffect(effect: Effect): string {
  switch (effect.do) {
    case 'count death': return `count ${effect.booted ? 'booted' : 'unbooted'} death`
    case 'kill': return `kill ${effect.reason}`
    default: return effect.do
  }
}

const restarts: readonly (readonly [ChildPolicy['restartType'], EventName, boolean])[] = [
  ['permanent', 'exit 0', true], ['permanent', 'exit 1', true], ['permanent', 'exit by SIGTERM', true],
  ['transient', 'exit 0', false], ['transient', 'exit 1', true], ['transient', 'exit by SIGTERM', true],
  ['temporary', 'exit 0', false], ['temporary', 'exit 1', false], ['temporary', 'exit by SIGTERM', false],
]

for (const [restartType, eventName, restarted] of restarts) {
  for (const stateName of ['starting', 'ready', 'stopping by itself', 'stopping by itself at its boot', 'killed as it hung', 'killed at its deadline'] as const) {
    test(`step(): a ${restartType} child, ${stateName} × ${eventName}, is ${restarted ? '' : 'not '}restarted`, () => {
      const { child, effects } = step({ state: states[stateName], failures: 0 }, events[eventName], { ...policy, restartType }, NOW)
      assert.equal(child.state.name, restarted ? 'waiting' : 'stopped')
      if (!restarted) assert.deepEqual(effects, [])
    })
  }
}

test('step(): each further failure doubles the back-off, and a healthy period begins it anew', () => {
  let child = newChild(0)
  const delays = Array.from({ length: 4 }, (_, round) => {
    const { child: waiting, effects } = step({ ...child, state: round === 3 ? states['ready and healthy'] : states.ready }, events['exit 1'], policy, NOW)
    child = waiting
    return effects.flatMap((effect) => effect.do === 'count death' ? [effect.delayMs] : [])
  })
  assert.deepEqual(delays.flat(), [100, 200, 400, 0])
  assert.equal(child.failures, 0)
})

test('step(): timeouts of 0 are without end', () => {
  const endless = { ...policy, hangTimeoutMs: 0, gracefulShutdownTimeoutMs: 0 }
  const child: Child = { state: states.starting, failures: 0 }
  assert.equal(deadlineOf(step(child, events.ready, endless, NOW).child.state), Infinity)
  assert.equal(deadlineOf(step(child, events.stop, endless, NOW).child.state), Infinity)
})

test('step(): an extension never shortens', () => {
  const state: ChildState = { name: 'stopping', killAt: NOW + 9_000, afterwards: 'stop' }
  assert.equal(deadlineOf(step({ state, failures: 0 }, events['extend 5 s'], policy, NOW).child.state), NOW + 9_000)
})

test('step() changes neither the child nor its state', () => {
  for (const state of Object.values(states)) {
    const child = Object.freeze({ state: Object.freeze({ ...state }), failures: 1 })
    for (const event of Object.values(events)) step(child, Object.freeze({ ...event }), policy, NOW)
  }
})

test('newChild() waits for its time', () => {
  assert.deepEqual(newChild(7), { state: { name: 'waiting', startAt: 7 }, failures: 0 })
})

test('deadlineOf() is when the state wants a tick', () => {
  const deadlines = [states.waiting, states.starting, states.ready, states['stopping for good'], states['killed for good'], states.stopped].map(deadlineOf)
  assert.deepEqual(deadlines, [NOW, NOW + 1, NOW + 1, NOW + 1, Infinity, Infinity])
})

test('postpone() moves what a worker must do in time, and nothing else', () => {
  assert.deepEqual(postpone(states.starting, 5), { name: 'starting', readyBy: NOW + 6 })
  assert.deepEqual(postpone(states.ready, 5), { name: 'ready', since: NOW - 9_999, beatBy: NOW + 6 })
  for (const state of [states.waiting, states['stopping for good'], states['killed for good'], states.stopped]) assert.equal(postpone(state, 5), state)
})

describe('step(), from any sequence of events', () => {
  const anyEvent = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<ChildEvent>({ type: 'ready' }, { type: 'beat' }, { type: 'stopping' }, { type: 'tick' }) },
    fc.record({ type: fc.constant('extend' as const), ms: fc.nat({ max: 100_000 }) }),
    fc.record({ type: fc.constant('exited' as const), code: fc.constantFrom(0, 1, null), signal: fc.constantFrom('SIGKILL' as const, 'SIGSEGV' as const, null) }),
    fc.constantFrom<ChildEvent>({ type: 'stop' }, { type: 'kill' }),
  )
  const anyPolicy = fc.record({
    restartType: fc.constantFrom<ChildPolicy['restartType']>('permanent', 'transient', 'temporary'),
    hangTimeoutMs: fc.constantFrom(0, 100), gracefulShutdownTimeoutMs: fc.constantFrom(0, 100),
    bootTimeoutMs: fc.constant(100), minHealthyMs: fc.constantFrom(0, 50), backoffMaxMs: fc.constantFrom(0, 1_000), random: fc.constant(() => 0.5),
  })
  const anySequence = fc.array(fc.tuple(anyEvent, fc.nat({ max: 150 })), { maxLength: 60 })

  /** Plays the events as a kernel would deliver them (a process that is not there says nothing), checking each step. */
  function play(sequence: readonly (readonly [ChildEvent, number])[], played: ChildPolicy): Child {
    let child = newChild(0)
    let now = 0
    let hasProcess = false
    for (const [event, passes] of sequence) {
      now += passes
      if (!hasProcess && FROM_A_PROCESS.has(event.type)) continue
      if (event.type === 'exited') hasProcess = false
      const from = child.state.name
      const next = step(child, event, played, now)
      for (const effect of next.effects) {
        if (effect.do === 'fork') {
          assert.ok(!hasProcess, `a second process, from ${from} by ${event.type}`)
          hasProcess = true
        }
        if (effect.do === 'term' || effect.do === 'kill') assert.ok(hasProcess, `${effect.do} without a process, from ${from} by ${event.type}`)
      }
      child = next.child
      assert.equal(hasProcess, !['waiting', 'stopped'].includes(child.state.name), `${child.state.name} ${hasProcess ? 'with' : 'without'} a process`)
    }
    return child
  }

  const FROM_A_PROCESS: ReadonlySet<ChildEvent['type']> = new Set(['ready', 'beat', 'stopping', 'extend', 'exited'])

  test('there is never more than one process, none is signalled that is not there, and the state says whether there is one', () => {
    fc.assert(fc.property(anySequence, anyPolicy, (sequence, played) => { play(sequence, played) }), { numRuns: 2_000 })
  })

  test('stop and the end of the process lead to stopped, and nothing leads out of it', () => {
    fc.assert(fc.property(anySequence, anyPolicy, anySequence, (sequence, played, afterwards) => {
      const end: readonly (readonly [ChildEvent, number])[] = [[{ type: 'stop' }, 0], [{ type: 'exited', code: 1, signal: null }, 0]]
      assert.equal(play([...sequence, ...end], played).state.name, 'stopped')
      assert.equal(play([...sequence, ...end, ...afterwards], played).state.name, 'stopped')
    }), { numRuns: 1_000 })
  })

  test('a tick at its deadline leads out of every state that has one', () => {
    fc.assert(fc.property(anySequence, anyPolicy, (sequence, played) => {
      const child = play(sequence, played)
      const deadline = deadlineOf(child.state)
      if (Number.isFinite(deadline)) assert.notEqual(step(child, { type: 'tick' }, played, deadline).child.state.name, child.state.name)
    }), { numRuns: 1_000 })
  })
})
