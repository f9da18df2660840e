import { backoffDelay } from './backoff.js'
import type { Random } from '../base/random.js'

/**
 * The life of one child as a pure function: the launcher only performs the effects.
 *
 * A *child* is a place in which worker processes come and go, one at a time. A
 * slot has one child that serves; while a reload rolls over it, a second one.
 * Times are `Clock.now()` ms; a state that waits for nothing has no time in it.
 */
export type ChildState =
  /** No process; one is forked at `startAt`. */
  | { readonly name: 'waiting'; readonly startAt: number }
  | { readonly name: 'starting'; readonly readyBy: number }
  | { readonly name: 'ready'; readonly since: number; readonly beatBy: number }
  /** Told to stop, or told by itself; SIGKILL at `killAt`. */
  | { readonly name: 'stopping'; readonly killAt: number; readonly afterwards: Afterwards }
  /** SIGKILL was sent; the kernel has not said yet that it is gone. */
  | { readonly name: 'killed'; readonly reason: KillReason; readonly afterwards: Afterwards; readonly healthy: boolean }
  /** No process, and none will come. */
  | { readonly name: 'stopped' }

/** A worker that stops by itself before it was ready is restarted as after a failed boot: else one that always does would be forked without end. */
export type Afterwards = 'stop' | 'restart' | 'count and restart'

export interface Child {
  readonly state: ChildState
  /** Deaths since the last healthy period; decides the back-off. */
  readonly failures: number
}

export type ChildEvent =
  | { readonly type: 'ready' }
  | { readonly type: 'beat' }
  /** The worker has begun to stop although nobody here asked for it. */
  | { readonly type: 'stopping' }
  | { readonly type: 'extend'; readonly ms: number }
  | { readonly type: 'exited'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly type: 'stop' }
  | { readonly type: 'kill' }
  /** Time has passed. */
  | { readonly type: 'tick' }

export type Effect =
  | { readonly do: 'fork' }
  | { readonly do: 'term' }
  | { readonly do: 'kill'; readonly reason: KillReason }
  /** A process that ought to live has ended: counts towards the restart limit. */
  | { readonly do: 'count death'; readonly booted: boolean; readonly delayMs: number }

export type KillReason = 'boot timeout' | 'hung' | 'deadline' | 'forced'

export interface ChildPolicy {
  readonly restartType: 'permanent' | 'transient' | 'temporary'
  readonly bootTimeoutMs: number
  /** 0: a hang is not looked for. */
  readonly hangTimeoutMs: number
  readonly minHealthyMs: number
  /** 0: for ever. */
  readonly gracefulShutdownTimeoutMs: number
  readonly backoffMaxMs: number
  readonly random: Random
}

export interface Step {
  readonly child: Child
  readonly effects: readonly Effect[]
}

export function newChild(startAt: number): Child {
  return { state: { name: 'waiting', startAt }, failures: 0 }
}

export function step(child: Child, event: ChildEvent, policy: ChildPolicy, now: number): Step {
  const { state } = child
  const moment: Moment = { policy, now }
  switch (state.name) {
    case 'waiting': return whenWaiting(child, state, event, moment)
    case 'starting': return whenStarting(child, state, event, moment)
    case 'ready': return whenReady(child, state, event, moment)
    case 'stopping': return whenStopping(child, state, event, moment)
    case 'killed': return whenKilled(child, state, event, moment)
    case 'stopped': return { child, effects: [] }
  }
}

/** When this state next wants a `tick`; Infinity when it waits for an event only. */
export function deadlineOf(state: ChildState): number {
  switch (state.name) {
    case 'waiting': return state.startAt
    case 'starting': return state.readyBy
    case 'ready': return state.beatBy
    case 'stopping': return state.killAt
    case 'killed':
    case 'stopped': return Number.POSITIVE_INFINITY
  }
}

/** The same state after `ms` in which the launcher itself did not run: a boot or a beat that it could not hear is not late. A kill that was announced is. */
export function postpone(state: ChildState, ms: number): ChildState {
  switch (state.name) {
    case 'starting': return { ...state, readyBy: state.readyBy + ms }
    case 'ready': return { ...state, beatBy: state.beatBy + ms }
    default: return state
  }
}

/** Under which policy, and when. */
interface Moment {
  readonly policy: ChildPolicy
  readonly now: number
}

type In<Name extends ChildState['name']> = Extract<ChildState, { name: Name }>

function whenWaiting(child: Child, state: In<'waiting'>, event: ChildEvent, { policy, now }: Moment): Step {
  if (event.type === 'stop' || event.type === 'kill') return enter(child, { name: 'stopped' })
  if (event.type !== 'tick' || now < state.startAt) return { child, effects: [] }
  return enter(child, { name: 'starting', readyBy: now + policy.bootTimeoutMs }, { do: 'fork' })
}

function whenStarting(child: Child, state: In<'starting'>, event: ChildEvent, { policy, now }: Moment): Step {
  switch (event.type) {
    case 'ready': return enter(child, { name: 'ready', since: now, beatBy: beatBy(policy, now) })
    case 'extend': return enter(child, { ...state, readyBy: Math.max(state.readyBy, now + event.ms) })
    case 'stopping': return enter(child, stopping(policy, now, 'count and restart'))
    case 'stop': return enter(child, stopping(policy, now, 'stop'), { do: 'term' })
    case 'kill': return kill(child, 'forced', 'stop')
    case 'exited': return afterDeath(child, event, NEVER_READY, { policy, now })
    case 'tick':
      if (now < state.readyBy) return { child, effects: [] }
      return kill(child, 'boot timeout', 'restart')
    case 'beat': return { child, effects: [] }
  }
}

function whenReady(child: Child, state: In<'ready'>, event: ChildEvent, { policy, now }: Moment): Step {
  const healthy = now - state.since >= policy.minHealthyMs
  switch (event.type) {
    case 'beat': return enter(child, { ...state, beatBy: beatBy(policy, now) })
    case 'stopping': return enter(child, stopping(policy, now, 'restart'))
    case 'stop': return enter(child, stopping(policy, now, 'stop'), { do: 'term' })
    case 'kill': return kill(child, 'forced', 'stop')
    case 'exited': return afterDeath(child, event, { booted: true, healthy: healthy || isFromOutside(event.signal) }, { policy, now })
    case 'tick':
      if (now < state.beatBy) return { child, effects: [] }
      return kill(child, 'hung', 'restart', healthy)
    case 'ready':
    case 'extend': return { child, effects: [] }
  }
}

function whenStopping(child: Child, state: In<'stopping'>, event: ChildEvent, { policy, now }: Moment): Step {
  switch (event.type) {
    case 'stop': return enter(child, { ...state, afterwards: 'stop' })
    case 'extend': return enter(child, { ...state, killAt: Math.max(state.killAt, now + event.ms) })
    case 'kill': return kill(child, 'forced', 'stop')
    case 'exited': return afterStopping(child, event, state.afterwards, { policy, now })
    case 'tick':
      if (now < state.killAt) return { child, effects: [] }
      return kill(child, 'deadline', state.afterwards)
    case 'ready':
    case 'beat':
    case 'stopping': return { child, effects: [] }
  }
}

function whenKilled(child: Child, state: In<'killed'>, event: ChildEvent, { policy, now }: Moment): Step {
  switch (event.type) {
    case 'stop':
    case 'kill': return enter(child, { ...state, afterwards: 'stop' })
    case 'exited':
      if (state.reason === 'deadline' || state.afterwards === 'stop') return afterStopping(child, event, state.afterwards, { policy, now })
      return afterDeath(child, event, { booted: state.reason !== 'boot timeout', healthy: state.healthy }, { policy, now })
    default: return { child, effects: [] }
  }
}

/** A process that was not asked to stop has ended: restarted after its back-off, if its restart type says so. */
function afterDeath(child: Child, exit: Exit, life: Life, { policy, now }: Moment): Step {
  if (!isRestarted(exit, policy)) return enter(child, { name: 'stopped' })
  const failures = life.healthy ? 0 : child.failures + 1
  const delayMs = backoffDelay(failures, policy.backoffMaxMs, policy.random)
  const state: ChildState = { name: 'waiting', startAt: now + delayMs }
  return { child: { state, failures }, effects: [{ do: 'count death', booted: life.booted, delayMs }] }
}

/** A process that drained: replaced at once when nobody here asked for it, and not counted as a death if it was ready. */
function afterStopping(child: Child, exit: Exit, afterwards: Afterwards, moment: Moment): Step {
  if (afterwards === 'count and restart') return afterDeath(child, exit, NEVER_READY, moment)
  const again = afterwards === 'restart' && isRestarted(exit, moment.policy)
  return enter(child, again ? { name: 'waiting', startAt: moment.now } : { name: 'stopped' })
}

/** How far a process had come when it died. */
interface Life {
  readonly booted: boolean
  readonly healthy: boolean
}

const NEVER_READY: Life = { booted: false, healthy: false }

type Exit = Extract<ChildEvent, { type: 'exited' }>

/** As in OTP: permanent always, transient unless it ended normally, temporary never. */
function isRestarted(exit: Exit, policy: ChildPolicy): boolean {
  switch (policy.restartType) {
    case 'permanent': return true
    case 'transient': return exit.code !== 0
    case 'temporary': return false
  }
}

/** Signals that a program does not raise by its own fault, as SIGSEGV or SIGABRT would be: somebody sent them. */
const SENT_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'])

function isFromOutside(signal: NodeJS.Signals | null): boolean {
  return signal !== null && SENT_SIGNALS.has(signal)
}

function kill(child: Child, reason: KillReason, afterwards: Afterwards, healthy = false): Step {
  return enter(child, { name: 'killed', reason, afterwards, healthy }, { do: 'kill', reason })
}

function stopping(policy: ChildPolicy, now: number, afterwards: Afterwards): ChildState {
  return { name: 'stopping', killAt: now + unlessZero(policy.gracefulShutdownTimeoutMs), afterwards }
}

function beatBy(policy: ChildPolicy, now: number): number {
  return now + unlessZero(policy.hangTimeoutMs)
}

/** 0 in the configuration means: without an end. */
function unlessZero(ms: number): number {
  return ms === 0 ? Number.POSITIVE_INFINITY : ms
}

function enter(child: Child, state: ChildState, ...effects: readonly Effect[]): Step {
  return { child: { ...child, state }, effects }
}
