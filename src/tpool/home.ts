/** A thread, as the objects see it that live there. */
export interface Home {
  readonly name: string
  /** Why there is no such thread any more; undefined while there is. */
  readonly lost: unknown
  /** Objects that live here, and calls that will probably give one. */
  load: number
  /** The handles of its objects here, by the objects' numbers. They are not kept alive by this. */
  readonly handles: Map<number, KnownHandle>
  /** Nobody here holds object `id` any more, which was received `times` times. */
  drop(id: number, times: number): void
}

export interface KnownHandle {
  readonly handle: WeakRef<object>
  /** How many answers have brought the object. */
  times: number
}
