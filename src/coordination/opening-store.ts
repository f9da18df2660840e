import type { CoordinationStore, StoreFeatures } from './store.js'

type Opens = () => Promise<CoordinationStore>
type Asynchronous = Exclude<keyof CoordinationStore, 'features' | 'onWake' | 'onGap' | 'close'>

/**
 * A store that is opened with its first use. Locks and groups can be made, and
 * handed about, before anything is connected; what failed to open is opened again
 * by the next use. Once it is open it costs one look and no turn of the loop.
 */
export class OpeningStore implements CoordinationStore {
  readonly features: StoreFeatures
  readonly #open: Opens
  readonly #gapListeners = new Set<() => void>()
  #wakeListener: (id: string) => void = () => {}
  #store: CoordinationStore | undefined
  #opening: Promise<CoordinationStore> | undefined

  constructor(features: StoreFeatures, open: Opens) {
    this.features = features
    this.#open = open
  }

  acquire: CoordinationStore['acquire'] = (request) => this.#store ? this.#store.acquire(request) : this.#after('acquire', request)
  extend: CoordinationStore['extend'] = (requests) => this.#store ? this.#store.extend(requests) : this.#after('extend', requests)
  release: CoordinationStore['release'] = (request) => this.#store ? this.#store.release(request) : this.#after('release', request)
  amend: CoordinationStore['amend'] = (request) => this.#after('amend', request)
  forceRelease: CoordinationStore['forceRelease'] = (request) => this.#after('forceRelease', request)
  readResource: CoordinationStore['readResource'] = (name) => this.#after('readResource', name)
  listResources: CoordinationStore['listResources'] = (kind) => this.#after('listResources', kind)
  beat: CoordinationStore['beat'] = (requests) => this.#after('beat', requests)
  leave: CoordinationStore['leave'] = (request) => this.#after('leave', request)
  mark: CoordinationStore['mark'] = (request) => this.#after('mark', request)
  readGroup: CoordinationStore['readGroup'] = (group) => this.#after('readGroup', group)
  groupVersion: CoordinationStore['groupVersion'] = (group) => this.#after('groupVersion', group)
  listGroups: CoordinationStore['listGroups'] = () => this.#after('listGroups')
  deleteGroup: CoordinationStore['deleteGroup'] = (group) => this.#after('deleteGroup', group)
  status: CoordinationStore['status'] = () => this.#after('status')

  async subscribe(topic: string, listener: () => void): Promise<() => void> {
    return await (await this.opened()).subscribe(topic, listener)
  }

  onWake(listener: (id: string) => void): void {
    this.#wakeListener = listener
  }

  onGap(listener: () => void): () => void {
    this.#gapListeners.add(listener)
    return () => this.#gapListeners.delete(listener)
  }

  /** Opened, by this call if by none before. */
  opened(): Promise<CoordinationStore> {
    this.#opening ??= this.#open().then((store) => {
      store.onWake((id) => this.#wakeListener(id))
      store.onGap(() => { for (const listener of this.#gapListeners) listener() })
      this.#store = store
      return store
    }).catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  /** A store that was never opened stays so. */
  async close(): Promise<void> {
    const store = await this.#opening?.catch(() => undefined)
    await store?.close()
  }

  async #after<Verb extends Asynchronous>(verb: Verb, ...args: Parameters<CoordinationStore[Verb]>): Promise<Awaited<ReturnType<CoordinationStore[Verb]>>> {
    const store = await this.opened()
    const call = store[verb] as (...given: Parameters<CoordinationStore[Verb]>) => ReturnType<CoordinationStore[Verb]>
    return await call.apply(store, args)
  }
}
