import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CodedError } from '#src/base/errors.js'
import { eventBetween, GIVEN_BACK, HELD, RELEASED, RENEWED, step, type LeaseState, type LeaseStep } from '#src/coordination/lease/lease-state.js'

const reason = new CodedError('LOCK_LOST', 'Cannot go on')
const SUSPECT: LeaseState = { name: 'suspect', cause: 1 }
const LOST: LeaseState = { name: 'lost', why: 'gone', reason }
const FAILED: LeaseStep = { name: 'renewal failed', cause: 2 }
const OVER: LeaseStep = { name: 'over', why: 'gone', reason }

test('step() and eventBetween() for every state and event', () => {
  const table: readonly [LeaseState, LeaseStep, LeaseState['name'], string | undefined][] = [
    [HELD, RENEWED, 'held', undefined], [HELD, FAILED, 'suspect', 'suspect'], [HELD, OVER, 'lost', 'lost'], [HELD, GIVEN_BACK, 'released', undefined],
    [SUSPECT, RENEWED, 'held', 'recovered'], [SUSPECT, FAILED, 'suspect', undefined], [SUSPECT, OVER, 'lost', 'lost'], [SUSPECT, GIVEN_BACK, 'released', undefined],
    [LOST, RENEWED, 'lost', undefined], [LOST, FAILED, 'lost', undefined], [LOST, OVER, 'lost', undefined], [LOST, GIVEN_BACK, 'lost', undefined],
    [RELEASED, RENEWED, 'released', undefined], [RELEASED, FAILED, 'released', undefined], [RELEASED, OVER, 'released', undefined], [RELEASED, GIVEN_BACK, 'released', undefined],
  ]
  for (const [before, event, name, told] of table) {
    const after = step(before, event)
    assert.equal(after.name, name, `${before.name} × ${event.name}`)
    assert.equal(eventBetween(before, after), told, `${before.name} × ${event.name}`)
  }
})
