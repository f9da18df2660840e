/**
 * What the driver `embedded` says over a channel: plain data that survives JSON,
 * so a fence is text. The client numbers its calls and the server answers each by
 * its number, at once and in order; events come in between.
 */
import { CodedError, codeOf, messageOf } from '../../base/errors.js'
import type { AcquireReply, HolderSnapshot, ResourceSnapshot } from '../store.js'
import { isObject } from '../record.js'

export type Operation =
  | 'hello' | 'acquire' | 'extend' | 'release' | 'amend' | 'forceRelease' | 'readResource' | 'listResources'
  | 'beat' | 'leave' | 'mark' | 'readGroup' | 'groupVersion' | 'listGroups' | 'deleteGroup'
  | 'subscribe' | 'unsubscribe' | 'status'

/** Client → server. */
export interface Call {
  readonly call: number
  readonly operation: Operation
  readonly body: unknown
}

/** Server → client. */
export type ServerMessage = Answer | Failure | WakeEvent | TopicEvent | FarewellEvent

export interface Answer {
  readonly answer: number
  /** Absent: undefined. */
  readonly value?: unknown
}

export interface Failure {
  readonly failure: number
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** A queued request may be tried again. */
export interface WakeEvent { readonly wake: string }

export interface TopicEvent { readonly topic: string }

/** The server ends and no lease is left that it has given: whoever serves next need not wait for any. */
export interface FarewellEvent { readonly farewell: true }

/** Answer to `hello`. */
export interface Hello {
  /** See EmbeddedStore.id. */
  readonly store: string
}

export function isServerMessage(received: unknown): received is ServerMessage {
  return isObject(received) && ['answer', 'failure', 'wake', 'topic', 'farewell'].some((kind) => kind in received)
}

export function failureOf(call: number, error: unknown): Failure {
  return {
    failure: call,
    code: codeOf(error) ?? 'COORDINATION_REFUSED',
    message: messageOf(error),
    details: error instanceof CodedError ? error.details : {},
  }
}

export function errorOf({ code, message, details }: Failure): CodedError {
  return new CodedError(code, message, { details })
}

/** With its fence as text. */
export type Encoded<T> = T extends { readonly fence: bigint } ? Omit<T, 'fence'> & { readonly fence: string } : T

export type EncodedResource = Omit<Encoded<ResourceSnapshot>, 'holders'> & { readonly holders: readonly Encoded<HolderSnapshot>[] }

export function encodeAcquire(reply: AcquireReply): Encoded<AcquireReply> {
  return reply.status === 'granted' ? { ...reply, fence: String(reply.fence) } : reply
}

export function decodeAcquire(reply: Encoded<AcquireReply>): AcquireReply {
  return reply.status === 'granted' ? { ...reply, fence: BigInt(reply.fence) } : reply
}

export function encodeHolder(holder: HolderSnapshot): Encoded<HolderSnapshot> {
  return { ...holder, fence: String(holder.fence) }
}

export function decodeHolder(holder: Encoded<HolderSnapshot>): HolderSnapshot {
  return { ...holder, fence: BigInt(holder.fence) }
}

export function encodeResource(resource: ResourceSnapshot): EncodedResource {
  return { ...resource, fence: String(resource.fence), holders: resource.holders.map(encodeHolder) }
}

export function decodeResource(resource: EncodedResource): ResourceSnapshot {
  return { ...resource, fence: BigInt(resource.fence), holders: resource.holders.map(decodeHolder) }
}
