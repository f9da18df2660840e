import { CodedError } from '../../base/errors.js'
import type { GroupMember } from '../contract.js'
import { GroupFollower, type GroupReading } from './group-follower.js'
import { livingMembers, type GroupState } from './group-state.js'
import { Latest } from './latest.js'

/** The groups that one process looks at. Each is followed once, however many watch it, and only while somebody does. */
export class GroupViews {
  readonly #reading: GroupReading
  readonly #views = new Map<string, GroupView>()

  constructor(reading: GroupReading) {
    this.#reading = reading
  }

  of(name: string): GroupView {
    const known = this.#views.get(name)
    if (known) return known
    const view = new GroupView(name, this.#reading)
    this.#views.set(name, view)
    return view
  }

  /** Ends every watch. */
  async close(): Promise<void> {
    await Promise.all([...this.#views.values()].map((view) => view.close()))
  }
}

/** One following: it ends when nobody is left who wants it. */
interface Following {
  readonly states: Latest<GroupState>
  readonly follower: GroupFollower
  readonly ended: Promise<void>
  readers: number
}

/** One group as this process sees it. */
export class GroupView {
  readonly name: string
  readonly #reading: GroupReading
  #following: Following | undefined
  readonly #ending = new Set<Promise<void>>()
  #closed = false

  constructor(name: string, reading: GroupReading) {
    this.name = name
    this.#reading = reading
  }

  /** The newest state that is known; undefined when nobody follows, or before the first reading. */
  get current(): GroupState | undefined {
    return this.#following?.states.value
  }

  /** Asks the store. @throws CodedError COORDINATION_UNAVAILABLE */
  async read(): Promise<readonly GroupMember[]> {
    return livingMembers(await this.#reading.store.readGroup(this.name))
  }

  /**
   * The state now, then the newest one after each change, and after readings that
   * changed nothing. It waits for a store that is away. Ends with the signal, or with `close()`.
   */
  async *follow(signal?: AbortSignal): AsyncGenerator<GroupState, void, undefined> {
    if (this.#closed || signal?.aborted) return
    const following = this.#join()
    try {
      yield* following.states.values(signal)
    } finally {
      this.#part(following)
    }
  }

  /** For one who follows: resolves when there is a state. @throws CodedError COORDINATION_UNAVAILABLE when there is none and it cannot be read now; COORDINATOR_STOPPED */
  async first(): Promise<GroupState> {
    const state = await this.#following?.states.first()
    if (!state) throw new CodedError('COORDINATOR_STOPPED', `Cannot follow the group "${this.name}" as the coordinator is stopped`)
    return state
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#following) this.#end(this.#following)
    await Promise.all(this.#ending)
  }

  #join(): Following {
    this.#following ??= this.#start()
    this.#following.readers += 1
    return this.#following
  }

  #part(following: Following): void {
    following.readers -= 1
    if (following.readers === 0) this.#end(following)
  }

  #start(): Following {
    const states = new Latest<GroupState>()
    const follower = new GroupFollower(this.name, this.#reading, states)
    return { states, follower, ended: follower.run(), readers: 0 }
  }

  #end(following: Following): void {
    if (this.#following === following) this.#following = undefined
    following.follower.stop()
    following.states.close()
    this.#ending.add(following.ended)
    void following.ended.finally(() => this.#ending.delete(following.ended))
  }
}
