import { CodedError } from '../base/errors.js'
import type { CoordinationErrorCode } from './errors.js'
import type { CoordinationStore, StoreFeatures } from './store.js'

type Opens = () => Promise<CoordinationStore>
type Asynchronous = Exclude<keyof CoordinationStore, 'features' | 'onWake' | 'onGap' | 'close'>

/**
 * A store that is opened with its first use. Locks and groups can be made, and
 * handed about, before anything is connected; what failed to open is opened again
 * by the next use. Once it is open it costs one look and no turn of the loop. What was
 * closed is not opened again: every call then rejects with COORDINATOR_STOPPED.
 */
export class OpeningStore implements CoordinationStore {
  readonly features: StoreFeatures
  readonly #open: Opens
  readonly #gapListeners = new Set<() => void>()
  #wakeListener: (id: string) => void = () => {}
  #store: CoordinationStore | undefined
  #opening: Promise<CoordinationStore> | undefined
  #closed = false

  constructor(features: StoreFeatures, open: Opens) {
    this.features = features
    this.#open = open
  }

  acquire: CoordinationStore['acquire'] = (request) => this.#store ? this.#store.acquire(request) : this.#after('acquire', request)
  extend: CoordinationStore['extend'] = (requests) => this.#store ? this.#store.extend(requests) : this.#after('extend', requests)
  release: CoordinationStore['release'] = (request) => {
    if (this.#store) return this.#store.release(request)
    // A store that nobody has reached has given nothing.
    return this.#opening ? this.#after('release', request) : Promise.resolve('gone')
  }

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
    if (this.#closed) return Promise.reject(stopped())
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
    this.#closed = true
    const store = this.#store
    this.#store = undefined
    if (store) await store.close()
    // One that is still being opened is not waited for: that may take seconds.
    else this.#opening?.then((opened) => opened.close()).catch(() => { /* It was never there. */ })
  }

  async #after<Verb extends Asynchronous>(verb: Verb, ...args: Parameters<CoordinationStore[Verb]>): Promise<Awaited<ReturnType<CoordinationStore[Verb]>>> {
    const store = await this.opened()
    const call = store[verb] as (...given: Parameters<CoordinationStore[Verb]>) => ReturnType<CoordinationStore[Verb]>
    return await call.apply(store, args)
  }
}

function stopped(): CodedError<CoordinationErrorCode> {
  return new CodedError('COORDINATOR_STOPPED', 'Cannot ask the coordination store as the coordinator takes no requests: it was stopped')
}
