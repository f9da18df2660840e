import { CodedError, hasCode, messageOf } from '../../base/errors.js'
import type {
  AcquireReply, AcquireRequest, BeatReply, BeatRequest, CoordinationStore, ExtendReply, ExtendRequest, GroupSnapshot,
  HolderSnapshot, ReleaseReply, ReleaseRequest, ResourceKind, ResourceSnapshot, StoreStatus,
} from '../store.js'
import { batches } from './batches.js'
import type { Channel } from './channel.js'
import { EMBEDDED_FEATURES } from './embedded-client.js'
import {
  decodeAcquire, decodeHolder, decodeResource, errorOf, isServerMessage,
  type Call, type Encoded, type EncodedResource, type Hello, type Operation, type ServerMessage,
} from './protocol.js'

export interface ChannelStoreOptions {
  /** How long an answer may take, in ms. Default 1 000. */
  readonly commandTimeoutMs?: number
  /** For `status()`: `embedded:/run/x.sock`. */
  readonly url: string
}

/**
 * An embedded store that is in another process. While there is no channel, every
 * call is rejected at once with COORDINATION_UNAVAILABLE.
 */
export class ChannelStore implements CoordinationStore {
  readonly features = EMBEDDED_FEATURES
  readonly #url: string
  readonly #commandTimeoutMs: number
  #channel: Channel | undefined
  #calls = 0
  readonly #pending = new Map<number, Pending>()
  readonly #topics = new Map<string, Topic>()
  readonly #gapListeners = new Set<() => void>()
  #wake: (id: string) => void = () => {}
  #farewell: () => void = () => {}

  constructor(channel: Channel | undefined, { commandTimeoutMs = COMMAND_TIMEOUT_MS, url }: ChannelStoreOptions) {
    this.#url = url
    this.#commandTimeoutMs = commandTimeoutMs
    if (channel) this.#use(channel)
  }

  /**
   * Goes on over another channel, after the one before was closed: topics are
   * subscribed again, and then the gap is told. Resolves with who serves there.
   */
  async attach(channel: Channel): Promise<Hello> {
    this.#use(channel)
    const hello = await this.#call<Hello>('hello')
    await Promise.all([...this.#topics.keys()].map((topic) => this.#call('subscribe', topic)))
    for (const listener of [...this.#gapListeners]) listener()
    return hello
  }

  async acquire(request: AcquireRequest): Promise<AcquireReply> {
    return decodeAcquire(await this.#call<Encoded<AcquireReply>>('acquire', request))
  }

  async extend(requests: readonly ExtendRequest[]): Promise<readonly ExtendReply[]> {
    return (await Promise.all(batches(requests).map((batch) => this.#call<ExtendReply[]>('extend', batch)))).flat()
  }

  async release(request: ReleaseRequest): Promise<ReleaseReply> {
    return this.#call('release', request)
  }

  async amend(request: { readonly name: string; readonly id: string; readonly record: string }): Promise<boolean> {
    return this.#call('amend', request)
  }

  async forceRelease(request: { readonly name: string; readonly by: string; readonly lockDelayMs: number }): Promise<readonly HolderSnapshot[]> {
    return (await this.#call<Encoded<HolderSnapshot>[]>('forceRelease', request)).map(decodeHolder)
  }

  async readResource(name: string): Promise<ResourceSnapshot | undefined> {
    const resource = await this.#call<EncodedResource | undefined>('readResource', name)
    return resource && decodeResource(resource)
  }

  async listResources(kind: ResourceKind): Promise<readonly ResourceSnapshot[]> {
    return (await this.#call<EncodedResource[]>('listResources', kind)).map(decodeResource)
  }

  async beat(requests: readonly BeatRequest[]): Promise<readonly BeatReply[]> {
    return (await Promise.all(batches(requests).map((batch) => this.#call<BeatReply[]>('beat', batch)))).flat()
  }

  async leave(request: { readonly group: string; readonly member: string }): Promise<boolean> {
    return this.#call('leave', request)
  }

  async mark(request: { readonly group: string; readonly member: string; readonly mark: string | null }): Promise<boolean> {
    return this.#call('mark', request)
  }

  /** A mark that JSON has left out is undefined all the same. */
  async readGroup(group: string): Promise<GroupSnapshot> {
    const { version, members } = await this.#call<GroupSnapshot>('readGroup', group)
    return { version, members: members.map(({ id, record, mark, leftMs }) => ({ id, record, mark, leftMs })) }
  }

  async groupVersion(group: string): Promise<number> {
    return this.#call('groupVersion', group)
  }

  async listGroups(): Promise<readonly string[]> {
    return this.#call('listGroups')
  }

  async deleteGroup(group: string): Promise<'deleted' | 'missing' | 'not empty'> {
    return this.#call('deleteGroup', group)
  }

  async subscribe(topic: string, listener: () => void): Promise<() => void> {
    const known = this.#topics.get(topic)
    const entry = known ?? { listeners: new Set(), ready: this.#call<void>('subscribe', topic) }
    this.#topics.set(topic, entry)
    const hear = (): void => listener()
    entry.listeners.add(hear)
    const unsubscribe = (): void => this.#unsubscribe(topic, entry, hear)
    try {
      await entry.ready
    } catch (error) {
      unsubscribe()
      throw error
    }
    return unsubscribe
  }

  onWake(listener: (id: string) => void): void {
    this.#wake = listener
  }

  onGap(listener: () => void): () => void {
    const hear = (): void => listener()
    this.#gapListeners.add(hear)
    return () => { this.#gapListeners.delete(hear) }
  }

  /** Without a connection too. */
  async status(): Promise<StoreStatus> {
    try {
      return { ...await this.#call<StoreStatus>('status'), url: this.#url }
    } catch {
      return { connected: false, quarantinedMs: 0, url: this.#url, warnings: [] }
    }
  }

  async close(): Promise<void> {
    const channel = this.#channel
    this.#lose(channel)
    channel?.close?.()
  }

  /** Sets who hears that the server ends and leaves no lease behind. */
  protected onFarewell(listener: () => void): void {
    this.#farewell = listener
  }

  #use(channel: Channel): void {
    this.#channel = channel
    channel.onMessage((received) => { if (channel === this.#channel && isServerMessage(received)) this.#hear(received) })
    channel.onClose(() => { if (channel === this.#channel) this.#lose(channel) })
  }

  #lose(channel: Channel | undefined): void {
    if (channel === this.#channel) this.#channel = undefined
    for (const call of [...this.#pending.keys()]) this.#settle(call)?.reject(this.#unavailable('there is a connection to it: it was closed'))
  }

  #hear(message: ServerMessage): void {
    if ('answer' in message) this.#settle(message.answer)?.resolve(message.value)
    else if ('failure' in message) this.#settle(message.failure)?.reject(errorOf(message))
    else if ('wake' in message) this.#wake(message.wake)
    else if ('topic' in message) for (const listener of [...this.#topics.get(message.topic)?.listeners ?? []]) listener()
    else this.#farewell()
  }

  /** @throws CodedError COORDINATION_UNAVAILABLE, and whatever the store answers with */
  #call<T>(operation: Operation, body?: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const channel = this.#channel
      if (!channel) return reject(this.#unavailable('there is a connection to it: there is none'))
      const call = ++this.#calls
      const timer = setTimeout(() => this.#settle(call)?.reject(this.#unavailable(`it answers within ${this.#commandTimeoutMs} ms: it did not`)), this.#commandTimeoutMs)
      this.#pending.set(call, { resolve: (value) => resolve(value as T), reject, timer })
      try {
        channel.send({ call, operation, body } satisfies Call)
      } catch (error) {
        this.#settle(call)?.reject(hasCode(error, 'COORDINATION_REFUSED') ? error as CodedError : this.#unavailable(`it can be sent to: ${messageOf(error)}`))
      }
    })
  }

  #settle(call: number): Pending | undefined {
    const pending = this.#pending.get(call)
    clearTimeout(pending?.timer)
    this.#pending.delete(call)
    return pending
  }

  #unsubscribe(topic: string, entry: Topic, hear: () => void): void {
    if (!entry.listeners.delete(hear) || entry.listeners.size > 0 || this.#topics.get(topic) !== entry) return
    this.#topics.delete(topic)
    // What cannot be told now ends with the connection.
    this.#call('unsubscribe', topic).catch(() => {})
  }

  #unavailable(rule: string): CodedError {
    return new CodedError('COORDINATION_UNAVAILABLE', `Cannot ask the coordination store "${this.#url}" as ${rule}`, { details: { url: this.#url } })
  }
}

const COMMAND_TIMEOUT_MS = 1_000

interface Pending {
  resolve(value: unknown): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

interface Topic {
  readonly listeners: Set<() => void>
  /** Rejected when the store could not be told. */
  readonly ready: Promise<void>
}
