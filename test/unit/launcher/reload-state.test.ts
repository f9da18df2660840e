import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { stepReload, type ReloadEffect, type ReloadEvent, type ReloadState } from '#src/launcher/reload-state.js'

const states = {
  idle: { name: 'idle' },
  rolling: { name: 'rolling', slot: 'b', rest: ['c', 'd'], again: false },
  'rolling, then again': { name: 'rolling', slot: 'b', rest: ['c', 'd'], again: true },
  'rolling over the last': { name: 'rolling', slot: 'd', rest: [], again: false },
  draining: { name: 'draining', again: false },
  'draining, then again': { name: 'draining', again: true },
} as const satisfies Record<string, ReloadState>

const events = {
  'a request': { type: 'requested', slots: ['a', 'b'] },
  'a request of nothing': { type: 'requested', slots: [] },
  'b is ready': { type: 'successor ready', slot: 'b' },
  'b failed': { type: 'successor failed', slot: 'b' },
  'b is gone': { type: 'slot gone', slot: 'b' },
  'c is ready': { type: 'successor ready', slot: 'c' },
  'c failed': { type: 'successor failed', slot: 'c' },
  'c is gone': { type: 'slot gone', slot: 'c' },
  'd is ready': { type: 'successor ready', slot: 'd' },
  'd failed': { type: 'successor failed', slot: 'd' },
  'd is gone': { type: 'slot gone', slot: 'd' },
  'old ones gone': { type: 'old ones gone' },
} as const satisfies Record<string, ReloadEvent>

type StateName = keyof typeof states
type EventName = keyof typeof events

/** Every state × every event. Where nothing is said of an event, nothing happens. */
const table: Readonly<Record<StateName, Partial<Record<EventName, string>>>> = {
  idle: {
    'a request': 'rolling a [b] | start a',
    'a request of nothing': 'draining',
  },
  rolling: {
    'a request': 'rolling b [c d], then again',
    'a request of nothing': 'rolling b [c d], then again',
    'b is ready': 'rolling c [d] | start c',
    'b failed': 'idle | finish failed',
    'b is gone': 'rolling c [d] | start c',
    'c is gone': 'rolling b [d]',
    'd is gone': 'rolling b [c]',
  },
  'rolling, then again': {
    'b is ready': 'rolling c [d], then again | start c',
    'b failed': 'idle | finish failed, then again',
    'b is gone': 'rolling c [d], then again | start c',
    'c is gone': 'rolling b [d], then again',
    'd is gone': 'rolling b [c], then again',
  },
  'rolling over the last': {
    'a request': 'rolling d [], then again',
    'a request of nothing': 'rolling d [], then again',
    'd is ready': 'draining',
    'd failed': 'idle | finish failed',
    'd is gone': 'draining',
  },
  draining: {
    'a request': 'draining, then again',
    'a request of nothing': 'draining, then again',
    'old ones gone': 'idle | finish ok',
  },
  'draining, then again': {
    'old ones gone': 'idle | finish ok, then again',
  },
}

describe('stepReload()', () => {
  for (const [stateName, state] of Object.entries(states)) {
    for (const [eventName, event] of Object.entries(events)) {
      const expected = table[stateName as StateName][eventName as EventName] ?? describeStep(state, [])
      test(`${stateName} × ${eventName} → ${expected}`, () => {
        const after = stepReload(state, event)
        assert.equal(describeStep(after.state, after.effects), expected)
      })
    }
  }
})

function describeStep(state: ReloadState, effects: readonly ReloadEffect[]): string {
  return [describeState(state), ...effects.map((effect) => {
    return effect.do === 'start successor' ? `start ${effect.slot}` : `finish ${effect.ok ? 'ok' : 'failed'}${effect.again ? ', then again' : ''}`
  })].join(' | ')
}

function describeState(state: ReloadState): string {
  if (state.name === 'idle') return 'idle'
  const slots = state.name === 'rolling' ? ` ${state.slot} [${state.rest.join(' ')}]` : ''
  return `${state.name}${slots}${state.again ? ', then again' : ''}`
}

const anySlots = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'))
const anyEvent: fc.Arbitrary<ReloadEvent> = fc.oneof(
  fc.record({ type: fc.constant('requested' as const), slots: anySlots }),
  fc.record({ type: fc.constantFrom('successor ready' as const, 'successor failed' as const, 'slot gone' as const), slot: fc.constantFrom('a', 'b', 'c', 'd') }),
  fc.constant<ReloadEvent>({ type: 'old ones gone' }),
)

/** As the union, not as what it is. */
function idle(): ReloadState {
  return { name: 'idle' }
}

test('stepReload(), from any sequence of events, replaces one slot after the other, each at most once, and finishes once a reload', () => {
  fc.assert(fc.property(fc.array(anyEvent, { maxLength: 50 }), (sequence) => {
    let state = idle()
    let started: string[] = []
    for (const event of sequence) {
      const before = state
      const { state: after, effects } = stepReload(before, event)
      if (before.name === 'idle') started = []
      for (const effect of effects) {
        if (effect.do === 'start successor') {
          assert.ok(!started.includes(effect.slot), `${effect.slot} twice`)
          started.push(effect.slot)
        } else {
          assert.notEqual(before.name, 'idle')
          assert.equal(effect.again, before.name !== 'idle' && before.again)
        }
      }
      assert.equal(effects.some((effect) => effect.do === 'finish'), before.name !== 'idle' && after.name === 'idle')
      if (after.name === 'rolling') assert.equal(started.at(-1), after.slot)
      state = after
    }
  }))
})

test('stepReload() ends with every slot replaced, in their order, when every successor becomes ready', () => {
  fc.assert(fc.property(anySlots, (slots) => {
    const started: string[] = []
    let { state, effects } = stepReload({ name: 'idle' }, { type: 'requested', slots })
    while (state.name === 'rolling') {
      started.push(...effects.flatMap((effect) => effect.do === 'start successor' ? [effect.slot] : []))
      ;({ state, effects } = stepReload(state, { type: 'successor ready', slot: state.slot }))
    }
    assert.deepEqual(started, slots)
    assert.deepEqual(stepReload(state, { type: 'old ones gone' }), { state: { name: 'idle' }, effects: [{ do: 'finish', ok: true, again: false }] })
  }))
})
