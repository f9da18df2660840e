import { randomBytes } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import { systemClock } from '../../base/clock.js'
import type { CodedError } from '../../base/errors.js'
import { systemRandom } from '../../base/random.js'
import type { CoordinationLog } from '../contract.js'
import type { CoordinationErrorCode } from '../errors.js'
import { connectionNameOf, createClient, createSentinelSubscription, createSubscription, type ClientSettings, type RedisClient } from './client-options.js'
import { ConnectionLog } from './connection-log.js'
import { withinDeadline } from './deadline.js'
import { DurableClient } from './durable-client.js'
import { EpochGate } from './epoch.js'
import { MainConnection } from './main-connection.js'
import type { Epoch, RedisPort, RedisScript } from './port.js'
import { checkSafety } from './safety.js'
import { isNoScript, ScriptTexts } from './script-texts.js'
import { checkVersion, knowsScriptFlags, readServerFacts, warningsOf, type ServerFacts } from './server-checks.js'
import { reasonOf, toCodedError } from './server-errors.js'
import { EPOCH_SCRIPT, parseEpochReply } from './scripts/epoch.js'
import { Subscriber } from './subscriber.js'
import type { RedisTarget } from './target.js'
import { TurnWrites } from './turn-writes.js'

export interface RedisConnectionOptions {
  readonly memberId: string
  /** The longest lease: see epoch.ts. All users of the store must have the same. */
  readonly maxTtlMs: number
  readonly commandTimeoutMs: number
  readonly safety: 'efficient' | 'strict'
  readonly durability: 'async' | 'replica'
  /** How long the first connection may take, in ms. Default 5 000. */
  readonly connectTimeoutMs?: number
  readonly log?: CoordinationLog | undefined
}

/**
 * Connects to a Redis.
 *
 * @throws CodedError COORDINATION_UNAVAILABLE when it is not up in time, COORDINATION_REFUSED
 * (a wrong password, a version that is too old) and COORDINATION_UNSAFE at once
 */
export async function openRedis(target: RedisTarget, options: RedisConnectionOptions): Promise<RedisConnection> {
  const connection = new RedisConnection(target, options)
  await connection.start()
  return connection
}

/** RedisPort on ioredis: one connection for commands, one for messages, one for WAIT when that is used. */
export class RedisConnection implements RedisPort {
  readonly kind: RedisTarget['kind']
  readonly prefix: string
  readonly wakeChannel: string
  readonly #target: RedisTarget
  readonly #options: RedisConnectionOptions
  readonly #settings: ClientSettings
  readonly #client: RedisClient
  readonly #main: MainConnection
  readonly #durable: DurableClient
  readonly #gate: EpochGate
  readonly #subscriber: Subscriber
  readonly #sentinels: Subscriber | undefined
  readonly #scripts = new ScriptTexts()
  readonly #writes = new TurnWrites()
  readonly #log: ConnectionLog
  #warnings: readonly string[] = []

  /** Use `openRedis`. */
  constructor(target: RedisTarget, options: RedisConnectionOptions) {
    this.kind = target.kind
    this.prefix = target.prefix
    this.wakeChannel = `${target.prefix}:wake:${randomBytes(9).toString('base64url')}`
    this.#target = target
    this.#options = options
    this.#log = new ConnectionLog(options.log, target.url, systemClock)
    this.#settings = {
      connectionName: connectionNameOf(options.memberId),
      socketTimeoutMs: Math.max(3 * options.commandTimeoutMs, MIN_SOCKET_TIMEOUT_MS),
      random: systemRandom,
    }
    this.#client = createClient(target, this.#settings)
    this.#durable = new DurableClient(() => createClient(target, this.#settings))
    this.#gate = new EpochGate(
      { facts: () => this.#readFacts(), read: () => this.#readEpoch(), write: (runId, ms) => this.#writeEpoch(runId, ms) },
      { maxTtlMs: options.maxTtlMs, replicated: target.kind !== 'standalone' },
      (quarantineMs) => this.#log.warn('coordination.quarantined', { quarantineMs }),
    )
    this.#main = new MainConnection({
      client: this.#client,
      verify: () => this.verifyEpoch(),
      onClose: () => this.#gate.close(),
      log: this.#log,
      random: systemRandom,
    })
    this.#subscriber = this.#createSubscriber(() => createSubscription(target, this.#settings, this.#anyNode()))
    this.#sentinels = target.kind === 'sentinel' ? this.#watchSentinels() : undefined
  }

  /** See `openRedis`. Closes itself when it fails. */
  async start(): Promise<void> {
    const limitMs = this.#options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS
    try {
      const up = Promise.all([this.#main.start(), this.#subscriber.start()])
      await withinDeadline(up, limitMs, () => `Cannot connect to "${this.#target.url}" as it must be ready within ${limitMs} ms: ${this.#main.reason}`)
    } catch (error) {
      await this.close()
      throw this.#coded(error, 'CONNECT')
    }
    void this.#sentinels?.start()
  }

  get epoch(): Epoch | undefined {
    return this.kind === 'cluster' ? CLUSTER_EPOCH : this.#gate.epoch
  }

  async verifyEpoch(): Promise<void> {
    try {
      if (this.kind === 'cluster') await this.#readFacts()
      else await this.#gate.verify()
    } catch (error) {
      throw this.#coded(error, 'INFO')
    }
  }

  run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#within(script.name, this.#evaluate(script, keys, args))
  }

  async runDurably(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<{ readonly reply: unknown; readonly replicas: number }> {
    const waitMs = this.#options.commandTimeoutMs
    return this.#within(script.name, this.#evaluateDurably(script, keys, args), 2 * waitMs)
  }

  command(name: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.#within(name, this.#client.call(name, ...args))
  }

  commands(commands: readonly (readonly [name: string, ...args: readonly (string | number)[]])[]): Promise<readonly unknown[]> {
    const first = commands[0]?.[0] ?? 'no command'
    const replies = this.kind === 'cluster'
      ? Promise.all(commands.map(([name, ...args]) => this.#client.call(name, ...args)))
      : pipeline(this.#client, commands)
    return this.#within(first, replies)
  }

  async scan(pattern: string): Promise<readonly string[]> {
    const nodes = this.#client.isCluster ? (this.#client as Cluster).nodes('master') : [this.#client as Redis]
    if (nodes.length === 0) throw this.#coded(new Error('no master is known'), 'SCAN')
    const found = await Promise.all(nodes.map((node) => this.#scanNode(node, pattern)))
    return [...new Set(found.flat())]
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<() => void> {
    try {
      return await this.#subscriber.subscribe(channel, listener)
    } catch (error) {
      throw this.#coded(error, 'SUBSCRIBE')
    }
  }

  onGap(listener: () => void): () => void {
    return this.#subscriber.onGap(listener)
  }

  status(): { readonly connected: boolean; readonly url: string; readonly warnings: readonly string[] } {
    return { connected: this.#main.connected, url: this.#target.url, warnings: this.#warnings }
  }

  async close(): Promise<void> {
    await Promise.all([this.#sentinels?.close(), this.#subscriber.close(), this.#durable.close(), this.#main.close()])
  }

  async #evaluate(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const { text, sha } = this.#scripts.of(script)
    if (!this.#client.isCluster) this.#writes.gather(this.#client as Redis)
    try {
      return await this.#client.evalsha(sha, keys.length, ...keys, ...args)
    } catch (error) {
      if (!isNoScript(error)) throw error
      return await this.#client.eval(text, keys.length, ...keys, ...args)
    }
  }

  /** Only on the server that the gate was opened for: see DurableClient. */
  async #evaluateDurably(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<{ readonly reply: unknown; readonly replicas: number }> {
    const runId = await this.#durable.runId()
    if (runId !== '' && runId !== this.#gate.runId) {
      this.#durable.reconnect()
      throw new Error('the connection for durable writes led to another server')
    }
    return await this.#durable.run(this.#scripts.of(script), keys, args, this.#options.commandTimeoutMs)
  }

  async #scanNode(node: Redis, pattern: string): Promise<readonly string[]> {
    const found: string[] = []
    let cursor = '0'
    do {
      const [next, keys] = await this.#within('SCAN', node.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT))
      found.push(...keys)
      cursor = next
    } while (cursor !== '0')
    return found
  }

  async #readFacts(): Promise<ServerFacts> {
    const nodes = this.#client.isCluster ? (this.#client as Cluster).nodes('master') : [this.#client as Redis]
    const facts = await this.#within('INFO', Promise.all(nodes.map(readServerFacts)))
    const [first] = facts
    if (!first) throw new Error('no master is known')
    this.#checkFacts(facts)
    return first
  }

  #checkFacts(facts: readonly ServerFacts[]): void {
    const { url } = this.#target
    if (this.kind !== 'cluster' && facts.some(({ role }) => role === 'slave')) {
      if (this.kind === 'sentinel') this.#client.disconnect(true)
      throw new Error('the server is a replica at the moment')
    }
    for (const each of facts) checkVersion(each, url)
    checkSafety(facts, this.#options, this.#target)
    this.#scripts.withFlags = facts.every(knowsScriptFlags)
    const warnings = [...new Set(facts.flatMap((each) => warningsOf(each, url)))]
    if (warnings.join() !== this.#warnings.join()) for (const warning of warnings) this.#log.warn('coordination.unsafe', { warning })
    this.#warnings = warnings
  }

  #readEpoch(): Promise<string | null> {
    return this.#within('GET', this.#client.get(`${this.prefix}:epoch`))
  }

  async #writeEpoch(runId: string, quarantineMs: number): Promise<Epoch> {
    return parseEpochReply(await this.run(EPOCH_SCRIPT, [`${this.prefix}:epoch`], [runId, quarantineMs]))
  }

  #createSubscriber(open: () => Redis): Subscriber {
    return new Subscriber({
      open,
      commandTimeoutMs: this.#options.commandTimeoutMs,
      random: systemRandom,
      onProblem: (error) => this.#log.warn('coordination.messages_lost', { reason: reasonOf(error) }),
    })
  }

  /** Hears from the sentinels that there is another master, although the old one, cut off from them, still answers us. */
  #watchSentinels(): Subscriber {
    let turn = 0
    const { hosts, masterName } = this.#target
    const watch = this.#createSubscriber(() => createSentinelSubscription(this.#target, this.#settings, hosts[turn++ % hosts.length] ?? hosts[0]))
    watch.keep('+switch-master', (message) => {
      if (!message.startsWith(`${masterName} `)) return
      if (this.#client.status === 'ready') this.#client.disconnect(true)
      this.#subscriber.reconnect()
    })
    return watch
  }

  /** Messages of a Cluster reach every node. */
  #anyNode(): { readonly host: string; readonly port: number } {
    const known = this.#client.isCluster ? (this.#client as Cluster).nodes('master').map(({ options: { host = '', port = 0 } }) => ({ host, port })) : []
    const nodes = known.length > 0 ? known : this.#target.hosts
    return nodes[Math.floor(systemRandom() * nodes.length)] ?? this.#target.hosts[0]
  }

  async #within<T>(command: string, work: Promise<T>, ms = this.#options.commandTimeoutMs): Promise<T> {
    try {
      return await withinDeadline(work, ms, () => `Cannot run "${command}" as ${this.#target.url} must answer within ${ms} ms: no answer`)
    } catch (error) {
      throw this.#coded(error, command)
    }
  }

  #coded(error: unknown, command: string): CodedError<CoordinationErrorCode> {
    return toCodedError(error, { command, url: this.#target.url, prefix: this.prefix })
  }
}

/** In Cluster one key cannot be read by the scripts of every slot: no epoch, no quarantine; there are the fences. */
const CLUSTER_EPOCH: Epoch = { value: '', until: 0 }
const DEFAULT_CONNECT_TIMEOUT_MS = 5_000
const MIN_SOCKET_TIMEOUT_MS = 3_000
const SCAN_COUNT = 1_000

async function pipeline(client: RedisClient, commands: readonly (readonly [name: string, ...args: readonly (string | number)[]])[]): Promise<readonly unknown[]> {
  const batch = client.pipeline()
  for (const [name, ...args] of commands) batch.call(name, ...args)
  const replies = await batch.exec() ?? []
  const failed = replies.find(([error]) => error)
  if (failed?.[0]) throw failed[0]
  return replies.map(([, reply]) => reply)
}
