import type { Redis } from 'ioredis'
import { disconnect, type RedisClient } from './client-options.js'
import { isNoScript, type ScriptText } from './script-texts.js'
import { parseInfo } from './server-checks.js'

/**
 * A connection of its own for scripts with WAIT behind them, for WAIT keeps every
 * other command of a connection waiting. Made when it is first used.
 *
 * It may lead to another server than the main connection, in the moments of a
 * failover; so it knows its server's run id, and its owner compares.
 */
export class DurableClient {
  readonly #open: () => RedisClient
  #client: RedisClient | undefined
  /** While it connects: one listener for all who wait. */
  #ready: Promise<void> | undefined
  #runId: Promise<string> | undefined
  readonly #sent = new Set<string>()

  constructor(open: () => RedisClient) {
    this.#open = open
  }

  /** The run id of the server it leads to now; empty in Cluster and where it is not told. Connects first when it must. */
  async runId(): Promise<string> {
    const client = this.#client ??= this.#connect()
    if (client.status !== 'ready') await (this.#ready ??= this.#untilReady(client))
    const asked = this.#runId ??= client.isCluster ? Promise.resolve('') : readRunId(client as Redis)
    try {
      return await asked
    } catch (error) {
      this.#runId = undefined
      throw error
    }
  }

  /**
   * The script's reply, and how many replicas had it within `waitMs`. Its text goes along
   * the first time, for an unknown digest would cost a whole `waitMs` before it is seen.
   */
  async run(script: ScriptText, keys: readonly string[], args: readonly (string | number)[], waitMs: number): Promise<{ readonly reply: unknown; readonly replicas: number }> {
    const all = [keys.length, ...keys, ...args]
    try {
      return await (this.#sent.has(script.sha) ? this.#runOnce('evalsha', script.sha, all, waitMs) : this.#runOnce('eval', script.text, all, waitMs))
    } catch (error) {
      if (!isNoScript(error)) throw error
      return await this.#runOnce('eval', script.text, all, waitMs)
    } finally {
      this.#sent.add(script.sha)
    }
  }

  /** Leaves the present server and looks for the right one. */
  reconnect(): void {
    this.#client?.disconnect(true)
  }

  async close(): Promise<void> {
    if (this.#client) await disconnect(this.#client)
  }

  async #runOnce(command: 'evalsha' | 'eval', script: string, args: readonly (string | number)[], waitMs: number): Promise<{ reply: unknown; replicas: number }> {
    const client = this.#client
    if (!client) throw new Error('Connection is closed.')
    const replies = await client.pipeline().call(command, script, ...args).call('wait', 1, waitMs).exec()
    const [[failure, reply] = [new Error('Connection is closed.')], [waitFailure, replicas] = [null, 0]] = replies ?? []
    if (failure) throw failure
    if (waitFailure) throw waitFailure
    return { reply, replicas: Number(replicas) }
  }

  #untilReady(client: RedisClient): Promise<void> {
    return new Promise((resolve) => client.once('ready', () => {
      this.#ready = undefined
      resolve()
    }))
  }

  #connect(): RedisClient {
    const client = this.#open()
    client.on('error', ignore)
    client.on('close', () => {
      this.#runId = undefined
      this.#sent.clear()
    })
    client.connect().catch(ignore)
    return client
  }
}

async function readRunId(client: Redis): Promise<string> {
  try {
    return parseInfo(await client.info('server')).get('run_id') ?? ''
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return ''
    throw error
  }
}

function ignore(): void {
  // The main connection, to the same servers, tells of its troubles; callers are told by their deadline.
}
