import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { notRun } from './not-run.js'
import { freePort } from './ports.js'
import { until } from './processes.js'
import { RedisServer } from './redis.js'

const run = promisify(execFile)

/** The `skip` of a test that needs redis-server. */
export async function withoutRedis(what: string): Promise<string | false> {
  const reason = await RedisServer.available()
  return reason === undefined ? false : notRun(what, reason)
}

/** A master, its replica, and three sentinels that watch them under the name `reeve`. */
export class SentinelTrio {
  readonly master: RedisServer
  readonly replica: RedisServer
  readonly #sentinels: readonly Sentinel[]

  /** Use `start`. */
  constructor(master: RedisServer, replica: RedisServer, sentinels: readonly Sentinel[]) {
    this.master = master
    this.replica = replica
    this.#sentinels = sentinels
  }

  /** `args`: of both servers. The master counts as down after half a second. */
  static async start(args: readonly string[] = []): Promise<SentinelTrio> {
    const master = await RedisServer.start(['--repl-diskless-sync-delay', '0', ...args])
    const replica = await RedisServer.start(['--replicaof', '127.0.0.1', String(master.port), ...args])
    await until('the replica follows', async () => (await replica.command('INFO', 'replication')).includes('master_link_status:up'))
    const sentinels = await Promise.all([0, 1, 2].map(() => Sentinel.start(master.port)))
    const trio = new SentinelTrio(master, replica, sentinels)
    await until('the sentinels know one another', async () => (await Promise.all(sentinels.map((each) => each.state()))).every((state) => state.includes('slaves=1,sentinels=3')))
    return trio
  }

  get url(): string {
    return `redis+sentinel://${this.#sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/reeve`
  }

  /** Waits until the replica is the master. */
  async promoted(): Promise<void> {
    await until('the replica is promoted', async () => (await this.replica.command('INFO', 'replication')).includes('role:master'), 60_000)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sentinels.map((each) => each.stop()))
    await Promise.all([this.master.stop(), this.replica.stop()])
  }
}

/** A Cluster of three masters on loopback, each with a third of the slots. */
export class RedisCluster {
  readonly nodes: readonly RedisServer[]

  /** Use `start`. */
  constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes
  }

  static async start(): Promise<RedisCluster> {
    const busPorts = await Promise.all([0, 1, 2].map(() => freePort()))
    const nodes = await Promise.all(busPorts.map((port) => RedisServer.start(['--cluster-enabled', 'yes', '--cluster-port', String(port), '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'])))
    for (const [index, node] of nodes.entries()) {
      await node.command('CLUSTER', 'ADDSLOTSRANGE', String(FIRST_SLOTS[index]), String((FIRST_SLOTS[index + 1] ?? SLOTS) - 1))
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
      await nodes[0]?.command('CLUSTER', 'MEET', '127.0.0.1', String(node.port), String(busPorts[index]))
    }
    await until('every node knows all slots', async () => {
      const states = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'INFO')))
      return states.every((state) => state.includes('cluster_state:ok') && state.includes(`cluster_slots_assigned:${SLOTS}`) && state.includes('cluster_known_nodes:3'))
    })
    return new RedisCluster(nodes)
  }

  get url(): string {
    return `redis+cluster://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
  }

  /** Gives an empty slot of one node to another, which takes a new epoch for it: else the gossip would give it back. */
  async moveSlot(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    const [source, id] = [await from.command('CLUSTER', 'MYID'), await to.command('CLUSTER', 'MYID')]
    await to.command('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', source)
    for (const node of [to, ...this.nodes.filter((each) => each !== to)]) await node.command('CLUSTER', 'SETSLOT', String(slot), 'NODE', id)
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
  }
}

const SLOTS = 16_384
const FIRST_SLOTS = [0, 5_461, 10_923]

/** Files of a certificate for `localhost` and 127.0.0.1 that is its own authority, made by openssl. */
export class TlsFixture {
  readonly cert: string
  readonly key: string
  readonly #folder: string

  /** Use `create`. */
  constructor(folder: string) {
    this.#folder = folder
    this.cert = join(folder, 'cert.pem')
    this.key = join(folder, 'key.pem')
  }

  static async create(): Promise<TlsFixture> {
    const fixture = new TlsFixture(await mkdtemp(join(tmpdir(), 'tls-')))
    await run('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', fixture.key, '-out', fixture.cert,
    ])
    return fixture
  }

  /** What a redis-server needs for TLS on `port`, beside its plain port. Clients show a certificate, too. */
  serverArgs(port: number): readonly string[] {
    return ['--tls-port', String(port), '--tls-cert-file', this.cert, '--tls-key-file', this.key, '--tls-ca-cert-file', this.cert]
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

class Sentinel {
  readonly port: number
  readonly #folder: string
  readonly #child: ChildProcess

  constructor(port: number, folder: string) {
    this.port = port
    this.#folder = folder
    this.#child = spawn('redis-server', [join(folder, 'sentinel.conf'), '--sentinel'], { stdio: 'ignore' })
  }

  static async start(masterPort: number): Promise<Sentinel> {
    const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'sentinel-'))]
    await writeFile(join(folder, 'sentinel.conf'), [
      `port ${port}`, 'bind 127.0.0.1', `dir ${folder}`,
      `sentinel monitor reeve 127.0.0.1 ${masterPort} 2`,
      'sentinel down-after-milliseconds reeve 500', 'sentinel failover-timeout reeve 3000',
    ].join('\n'))
    const sentinel = new Sentinel(port, folder)
    await until('the sentinel answers', () => sentinel.command('PING').then((answer) => answer.startsWith('PONG'), () => false))
    return sentinel
  }

  async command(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('redis-cli', ['-p', String(this.port), ...args])
    return stdout
  }

  state(): Promise<string> {
    return this.command('INFO', 'sentinel')
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
    await rm(this.#folder, { recursive: true, force: true })
  }
}
