/** The newest fence that each resource has seen. */
export interface FenceStore {
  /** Raises it to `fence` unless it is there already or beyond, at one moment; and gives what it is then. */
  raise(resource: string, fence: bigint): bigint | Promise<bigint>
}

/**
 * In this process's memory, a few dozen bytes a resource for ever. It forgets at the
 * end of the process and knows nothing of another's: a resource that is served by
 * several processes, or restarted, needs a store that they share.
 */
export class MemoryFenceStore implements FenceStore {
  readonly #newest = new Map<string, bigint>()

  raise(resource: string, fence: bigint): bigint {
    const newest = this.#newest.get(resource) ?? 0n
    if (newest >= fence) return newest
    this.#newest.set(resource, fence)
    return fence
  }
}
