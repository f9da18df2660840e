import { CodedError } from '../../base/errors.js'
import type { CoordinationStore } from '../store.js'
import type { Channel } from './channel.js'
import { toAcquire, toAmend, toBeats, toExtends, toForceRelease, toGroupName, toKind, toMark, toMember, toRelease, toResourceName, toTopic } from './door.js'
import type { EmbeddedStore } from './embedded-store.js'
import { encodeAcquire, encodeHolder, encodeResource, failureOf, type Answer, type Hello, type Operation, type ServerMessage } from './protocol.js'
import { isObject } from '../record.js'

/**
 * Makes whoever is at the other end of `channel` a client of `store`. The end of
 * the channel is the client's death, see EmbeddedClient.disconnect, unless it was cut
 * from here: then its leases run out, for it may be alive and count on them. What is no
 * call at all is not answered.
 */
export function serveChannel(store: EmbeddedStore, channel: Channel, clientName: string): void {
  const client = store.client(clientName)
  const send = (message: ServerMessage): void => channel.send(message)
  const session: Session = {
    client,
    maxTtlMs: store.maxTtlMs,
    hello: { store: store.id },
    subscriptions: new Map(),
    tell: (topic) => send({ topic }),
  }
  client.onWake((wake) => send({ wake }))
  channel.onClose((closedBy) => closedBy === 'other end' ? client.disconnect() : client.abandon())
  channel.onMessage((received) => {
    const call = toCall(received)
    if (!call) return
    perform(session, call.operation, call.body).then(
      (value) => send({ answer: call.number, value } satisfies Answer),
      (error: unknown) => send(failureOf(call.number, error)),
    )
  })
}

interface Session {
  readonly client: CoordinationStore
  readonly maxTtlMs: number
  readonly hello: Hello
  readonly subscriptions: Map<string, () => void>
  tell(topic: string): void
}

function toCall(received: unknown): { readonly number: number; readonly operation: unknown; readonly body: unknown } | undefined {
  if (!isObject(received) || typeof received['call'] !== 'number') return undefined
  return { number: received['call'], operation: received['operation'], body: received['body'] }
}

async function perform(session: Session, operation: unknown, body: unknown): Promise<unknown> {
  if (!isOperation(operation)) throw new CodedError('COORDINATION_REFUSED', `Cannot take the request as there is no such operation: ${(JSON.stringify(operation) ?? 'none').slice(0, 40)}`)
  return OPERATIONS[operation](session, body)
}

function isOperation(value: unknown): value is Operation {
  return typeof value === 'string' && Object.hasOwn(OPERATIONS, value)
}

const OPERATIONS: Readonly<Record<Operation, (session: Session, body: unknown) => unknown>> = {
  hello: ({ hello }) => hello,
  acquire: ({ client, maxTtlMs }, body) => client.acquire(toAcquire(body, maxTtlMs)).then(encodeAcquire),
  extend: ({ client, maxTtlMs }, body) => client.extend(toExtends(body, maxTtlMs)),
  release: ({ client }, body) => client.release(toRelease(body)),
  amend: ({ client }, body) => client.amend(toAmend(body)),
  forceRelease: async ({ client }, body) => (await client.forceRelease(toForceRelease(body))).map(encodeHolder),
  readResource: async ({ client }, body) => {
    const resource = await client.readResource(toResourceName(body))
    return resource && encodeResource(resource)
  },
  listResources: async ({ client }, body) => (await client.listResources(toKind(body))).map(encodeResource),
  beat: ({ client }, body) => client.beat(toBeats(body)),
  leave: ({ client }, body) => client.leave(toMember(body)),
  mark: ({ client }, body) => client.mark(toMark(body)),
  readGroup: ({ client }, body) => client.readGroup(toGroupName(body)),
  groupVersion: ({ client }, body) => client.groupVersion(toGroupName(body)),
  listGroups: ({ client }) => client.listGroups(),
  deleteGroup: ({ client }, body) => client.deleteGroup(toGroupName(body)),
  subscribe: async ({ client, subscriptions, tell }, body) => {
    const topic = toTopic(body)
    if (!subscriptions.has(topic)) subscriptions.set(topic, await client.subscribe(topic, () => tell(topic)))
  },
  unsubscribe: ({ subscriptions }, body) => {
    const topic = toTopic(body)
    subscriptions.get(topic)?.()
    subscriptions.delete(topic)
  },
  status: ({ client }) => client.status(),
}
