import type { Capabilities } from '../contract.js'

/**
 * Who keeps members in their groups. A process of its own does it itself
 * (host-membership.ts); a worker asks its launcher, which is one member of each
 * group for all of its workers, so that a host costs one beat an interval.
 */
export interface Membership {
  /** Joins, or replaces the capabilities. Resolves when the store has it. */
  put(group: string, member: string, capabilities: Capabilities, ttlMs: number): Promise<void>
  /** False: it was not in the group. */
  remove(group: string, member: string): Promise<boolean>
  /** Calls when the members of this process had been taken for dead in that group and were put back. */
  onRejoined(listener: (group: string) => void): void
  /** Leaves every group. */
  stop(): Promise<void>
}
