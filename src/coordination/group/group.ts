import { CodedError } from '../../base/errors.js'
import type { Capabilities, Group, GroupChange, GroupMember, GroupOptions } from '../contract.js'
import type { CoordinationErrorCode } from '../errors.js'
import { checkName } from '../names.js'
import { changeBetween, type GroupState } from './group-state.js'
import type { GroupView, GroupViews } from './group-view.js'
import { Listeners } from './listeners.js'
import type { Membership } from './membership.js'

const DEFAULT_TTL_MS = 15_000
const MIN_TTL_MS = 250
const MAX_TTL_MS = 3_600_000

export interface GroupDependencies {
  readonly views: GroupViews
  readonly membership: Membership
  /** Who joins. */
  readonly memberId: string
}

/**
 * One group as one member uses it. One object for each member and group: a second
 * one would not know that the first has joined.
 *
 * @throws RangeError for a ttl outside 250…3 600 000 ms, or a name that is none
 */
export function createGroup(dependencies: GroupDependencies, name: string, options: GroupOptions = {}): Group {
  checkName('group', name)
  return new MemberGroup(dependencies, name, resolveTtlMs(name, options))
}

function resolveTtlMs(name: string, { ttlMs = DEFAULT_TTL_MS }: GroupOptions): number {
  if (ttlMs >= MIN_TTL_MS && ttlMs <= MAX_TTL_MS) return Math.ceil(ttlMs)
  throw new RangeError(`Cannot use the group "${name}" as its ttlMs is ${MIN_TTL_MS} to ${MAX_TTL_MS}: ${ttlMs}`)
}

class MemberGroup implements Group {
  readonly name: string
  readonly #ttlMs: number
  readonly #membership: Membership
  readonly #memberId: string
  readonly #view: GroupView
  readonly #rejoined = new Listeners<[]>()
  #joined = false

  constructor({ views, membership, memberId }: GroupDependencies, name: string, ttlMs: number) {
    this.name = name
    this.#ttlMs = ttlMs
    this.#membership = membership
    this.#memberId = memberId
    this.#view = views.of(name)
    membership.onRejoined((group) => {
      if (group === name && this.#joined) this.#rejoined.tell()
    })
  }

  async join({ capabilities = {} }: { readonly capabilities?: Capabilities } = {}): Promise<void> {
    if (this.#joined) throw this.#refusal('GROUP_ALREADY_JOINED', 'join', 'is in it')
    this.#joined = true
    try {
      await this.#put(capabilities)
    } catch (error) {
      this.#joined = false
      throw error
    }
  }

  async update(capabilities: Capabilities): Promise<void> {
    if (!this.#joined) throw this.#refusal('GROUP_NOT_JOINED', 'update', 'is not in it')
    await this.#put(capabilities)
  }

  async leave(): Promise<boolean> {
    if (!this.#joined) return false
    this.#joined = false
    return await this.#membership.remove(this.name, this.#memberId)
  }

  async members(): Promise<readonly GroupMember[]> {
    return await this.#view.read()
  }

  async *watch({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<GroupChange, void, undefined> {
    let earlier: GroupState | undefined
    for await (const later of this.#view.follow(signal)) {
      const change = changeBetween(earlier, later)
      earlier = later
      if (change) yield change
    }
  }

  onRejoined(listener: () => void): this {
    this.#rejoined.add(listener)
    return this
  }

  async #put(capabilities: Capabilities): Promise<void> {
    await this.#membership.put(this.name, this.#memberId, capabilities, this.#ttlMs)
  }

  #refusal(code: CoordinationErrorCode, act: string, state: string): CodedError<CoordinationErrorCode> {
    return new CodedError(code, `Cannot ${act} the group "${this.name}" as this member ${state}: "${this.#memberId}"`)
  }
}
