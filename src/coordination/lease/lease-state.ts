import type { HeldLockEvent } from '../contract.js'
import type { CodedError } from '../../base/errors.js'
import type { LossReason } from './lease-errors.js'

/**
 * Where one lease is in its life. `suspect`: a renewal failed, the lease still runs.
 * `lost` and `released` are for ever: a lease is never revived.
 */
export type LeaseState =
  | { readonly name: 'held' }
  | { readonly name: 'suspect'; readonly cause: unknown }
  | { readonly name: 'lost'; readonly why: LossReason; readonly reason: CodedError }
  | { readonly name: 'released' }

export type LeaseStep =
  | { readonly name: 'renewed' }
  | { readonly name: 'renewal failed'; readonly cause: unknown }
  | { readonly name: 'over'; readonly why: LossReason; readonly reason: CodedError }
  | { readonly name: 'given back' }

export const HELD: LeaseState = { name: 'held' }
export const RELEASED: LeaseState = { name: 'released' }
export const RENEWED: LeaseStep = { name: 'renewed' }
export const GIVEN_BACK: LeaseStep = { name: 'given back' }

/** The whole life of a lease. The same object comes back when nothing changes. */
export function step(state: LeaseState, event: LeaseStep): LeaseState {
  switch (state.name) {
    case 'held': return whenHeld(state, event)
    case 'suspect': return whenSuspect(state, event)
    case 'lost':
    case 'released': return state
  }
}

/** What listeners are told of a change; undefined: nothing. */
export function eventBetween(before: LeaseState, after: LeaseState): HeldLockEvent | undefined {
  if (before.name === after.name || after.name === 'released') return undefined
  return after.name === 'held' ? 'recovered' : after.name
}

function whenHeld(state: LeaseState, event: LeaseStep): LeaseState {
  switch (event.name) {
    case 'renewed': return state
    case 'renewal failed': return { name: 'suspect', cause: event.cause }
    case 'over': return { name: 'lost', why: event.why, reason: event.reason }
    case 'given back': return RELEASED
  }
}

function whenSuspect(state: LeaseState, event: LeaseStep): LeaseState {
  switch (event.name) {
    case 'renewed': return HELD
    case 'renewal failed': return state
    case 'over': return { name: 'lost', why: event.why, reason: event.reason }
    case 'given back': return RELEASED
  }
}
