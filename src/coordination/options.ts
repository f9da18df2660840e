import os from 'node:os'
import { withoutUndefined } from '../base/without-undefined.js'
import type { CoordinationLog, CoordinatorOptions } from './contract.js'
import type { CoordinationTarget } from './url.js'

/** The options of a coordinator, everyone present and checked; those given in code win over those of the URL. */
export interface ResolvedCoordinatorOptions {
  readonly host: string
  readonly about: Readonly<Record<string, string | number>>
  readonly ttlMs: number
  readonly maxTtlMs: number
  readonly safety: 'efficient' | 'strict'
  readonly durability: 'async' | 'replica'
  readonly commandTimeoutMs: number
  readonly log: CoordinationLog
}

const DEFAULT_TTL_MS = 15_000
const TTL_BOUNDS = [250, 3_600_000] as const
const COMMAND_TIMEOUT_BOUNDS = [1, 60_000] as const
const silent: CoordinationLog = { info: () => {}, warn: () => {} }

/** @throws RangeError */
export function resolveCoordinatorOptions({ settings }: Pick<CoordinationTarget, 'settings'>, options: CoordinatorOptions = {}): ResolvedCoordinatorOptions {
  const given = { ...settings, ...withoutUndefined(options) }
  const maxTtlMs = within('maxTtlMs', given.maxTtlMs ?? Math.max(DEFAULT_TTL_MS, given.ttlMs ?? 0), TTL_BOUNDS)
  const ttlMs = within('ttlMs', given.ttlMs ?? Math.min(DEFAULT_TTL_MS, maxTtlMs), [TTL_BOUNDS[0], maxTtlMs])
  const { host = os.hostname(), about = {}, safety = 'efficient', durability = 'async', log = silent } = given
  return {
    host, about, ttlMs, maxTtlMs, log,
    safety: oneOf('safety', safety, ['efficient', 'strict']),
    durability: oneOf('durability', durability, ['async', 'replica']),
    // Whole: Redis takes no other in WAIT.
    commandTimeoutMs: Math.ceil(within('commandTimeoutMs', given.commandTimeoutMs ?? Math.min(Math.max(ttlMs / 10, 100), 1_000), COMMAND_TIMEOUT_BOUNDS)),
  }
}

function within(name: string, ms: number, [least, most]: readonly [number, number]): number {
  if (ms >= least && ms <= most) return ms
  throw new RangeError(`Cannot use the option ${name} as it is from ${least} to ${most} ms: ${String(ms)}`)
}

function oneOf<Choice extends string>(name: string, value: Choice, choices: readonly Choice[]): Choice {
  if (choices.includes(value)) return value
  throw new RangeError(`Cannot use the option ${name} as it is ${choices.join(' or ')}: ${String(value)}`)
}
