import { GroupTable } from '#src/coordination/embedded/group-table.js'
import type { Outcome } from '#src/coordination/embedded/happened.js'
import { LeaseTable } from '#src/coordination/embedded/lease-table.js'
import type { AcquireRequest, BeatRequest, CoordinationStore, ExtendRequest, ReleaseRequest, ResourceKind } from '#src/coordination/store.js'

/** What of a store is a function of the calls and the time. */
export type Judged = Pick<CoordinationStore,
  'acquire' | 'extend' | 'release' | 'amend' | 'forceRelease' | 'readResource' | 'listResources' |
  'beat' | 'leave' | 'mark' | 'readGroup' | 'groupVersion' | 'listGroups' | 'deleteGroup'>

/** The tables of the embedded driver alone, by a clock that the test owns: what every store must answer. */
export class ModelStore implements Judged {
  readonly #leases = new LeaseTable()
  readonly #groups = new GroupTable()
  readonly #now: () => number

  /** `now`: µs since 1970. */
  constructor(now: () => number) {
    this.#now = now
  }

  acquire = async (request: AcquireRequest) => reply(this.#leases.acquire(request, this.#now()))
  extend = async (requests: readonly ExtendRequest[]) => this.#leases.extend(requests, this.#now())
  release = async (request: ReleaseRequest) => reply(this.#leases.release(request, this.#now()))
  amend = async (request: Parameters<Judged['amend']>[0]) => reply(this.#leases.amend(request, this.#now()))
  forceRelease = async (request: Parameters<Judged['forceRelease']>[0]) => reply(this.#leases.forceRelease(request, this.#now()))
  readResource = async (name: string) => this.#leases.read(name, this.#now())
  listResources = async (kind: ResourceKind) => this.#leases.list(kind, this.#now())
  beat = async (requests: readonly BeatRequest[]) => requests.map((request) => reply(this.#groups.beat(request, this.#now())))
  leave = async (request: Parameters<Judged['leave']>[0]) => reply(this.#groups.leave(request))
  mark = async (request: Parameters<Judged['mark']>[0]) => reply(this.#groups.mark(request))
  readGroup = async (group: string) => this.#groups.read(group, this.#now())
  groupVersion = async (group: string) => this.#groups.version(group)
  listGroups = async () => this.#groups.list()
  deleteGroup = async (group: string) => reply(this.#groups.delete(group, this.#now()))
}

function reply<Reply>(outcome: Outcome<Reply>): Reply {
  return outcome.reply
}
