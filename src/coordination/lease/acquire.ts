import { hasCode } from '../../base/errors.js'
import type { AcquireOptions } from '../contract.js'
import type { AcquireReply } from '../store.js'
import { capacityMismatch, lockTimeout } from './lease-errors.js'
import type { LeaseKeeper } from './lease-keeper.js'
import { checkDelay, type LeaseSpec } from './lease-spec.js'
import type { Lease } from './lease.js'
import type { Request } from './request.js'
import { backoffMs, momentOf, pollAfterMs, waiterTtlMs } from './timing.js'

type Refusal = Exclude<AcquireReply, { readonly status: 'granted' }>

/**
 * Waits for a lease: in the store's queue, asking again when the store wakes it, and
 * from time to time in case a wake-up was lost. A store that cannot be asked is waited
 * for, too. Whatever ends the wait, nothing of the request is left behind.
 *
 * @throws the signal's reason; CodedError LOCK_TIMEOUT, LOCK_CAPACITY_MISMATCH,
 * COORDINATOR_STOPPED, COORDINATION_REFUSED; with `timeoutMs` 0 COORDINATION_UNAVAILABLE
 */
export async function acquireLease(keeper: LeaseKeeper, spec: LeaseSpec, options: AcquireOptions = {}): Promise<Lease> {
  const { signal, timeoutMs = Number.POSITIVE_INFINITY } = options
  if (timeoutMs !== Number.POSITIVE_INFINITY) checkDelay('timeoutMs', timeoutMs)
  signal?.throwIfAborted()
  if (timeoutMs === 0) return acquireAtOnce(keeper, spec)
  const giveUpAt = timeoutMs === Number.POSITIVE_INFINITY ? timeoutMs : keeper.time.mono() + timeoutMs
  for (;;) {
    const request = keeper.open(spec, waiterTtlMs(spec.ttlMs))
    if (giveUpAt !== Number.POSITIVE_INFINITY) keeper.limit(request, giveUpAt, timeoutMs)
    const lease = await (signal ? askUnless(signal, keeper, request) : askUntilGranted(keeper, request))
    if (lease) return lease
  }
}

/** Undefined when it is not to be had at once. @throws CodedError COORDINATION_UNAVAILABLE, LOCK_CAPACITY_MISMATCH, COORDINATOR_STOPPED */
export async function tryAcquireLease(keeper: LeaseKeeper, spec: LeaseSpec): Promise<Lease | undefined> {
  for (;;) {
    const request = keeper.open(spec, 0)
    const sent = momentOf(keeper.time)
    const reply = await askOnce(keeper, request)
    if (reply.status !== 'granted') {
      keeper.close(request)
      refuseMismatch(spec, reply)
      return undefined
    }
    const lease = keeper.take(request, sent, reply)
    if (lease) return lease
  }
}

async function acquireAtOnce(keeper: LeaseKeeper, spec: LeaseSpec): Promise<Lease> {
  const lease = await tryAcquireLease(keeper, spec)
  if (!lease) throw lockTimeout(spec.name, 0)
  return lease
}

async function askOnce(keeper: LeaseKeeper, request: Request): Promise<AcquireReply> {
  try {
    return await keeper.ask(request)
  } catch (error) {
    keeper.abandon(request)
    throw error
  }
}

async function askUnless(signal: AbortSignal, keeper: LeaseKeeper, request: Request): Promise<Lease | undefined> {
  const abort = (): void => { request.fail(signal.reason as Error) }
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await askUntilGranted(keeper, request)
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Undefined: it was granted too late; another request has to be made. */
async function askUntilGranted(keeper: LeaseKeeper, request: Request): Promise<Lease | undefined> {
  try {
    for (let failures = 0; ;) {
      const sent = momentOf(keeper.time)
      const reply = await askPatiently(keeper, request)
      if (reply?.status === 'granted') return keeper.take(request, sent, reply)
      if (reply) refuseMismatch(request.spec, reply)
      failures = reply ? 0 : failures + 1
      const ms = reply ? pollAfterMs(untilFree(reply), request.command.waitMs, keeper.random()) : backoffMs(failures, keeper.random())
      await keeper.pause(request, ms)
    }
  } catch (error) {
    keeper.abandon(request)
    throw error
  }
}

/** Undefined: the store could not be asked, or did not answer. */
async function askPatiently(keeper: LeaseKeeper, request: Request): Promise<AcquireReply | undefined> {
  try {
    return await keeper.ask(request)
  } catch (error) {
    if (!hasCode(error, 'COORDINATION_UNAVAILABLE')) throw error
    request.trouble = error
    return undefined
  }
}

function untilFree(reply: Refusal): number {
  switch (reply.status) {
    case 'busy': return reply.retryMs
    case 'quarantined': return reply.leftMs
    case 'mismatch': return 0
  }
}

function refuseMismatch(spec: LeaseSpec, reply: Refusal): void {
  if (reply.status === 'mismatch') throw capacityMismatch(spec.name, spec.capacity, reply.capacity)
}
