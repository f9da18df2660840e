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

/**
 * A master, its replica, and three sentinels that watch them under the name `reeve`.
 * Servers follow one another as a user of their own, so that they can be kept from it.
 */
export class SentinelTrio {
  /** The first master, whatever it is now. */
  readonly master: RedisServer
  readonly replica: RedisServer
  readonly #sentinels: readonly Sentinel[]
  #stopped: Promise<unknown> | undefined

  /** Use `start`. */
  constructor(master: RedisServer, replica: RedisServer, sentinels: readonly Sentinel[]) {
    this.master = master
    this.replica = replica
    this.#sentinels = sentinels
  }

  /** `args`: of both servers. The master counts as down after a second. */
  static start(args: readonly string[] = []): Promise<SentinelTrio> {
    return allOrNothing(async (keep) => {
      const master = await keep(RedisServer.start([...FOLLOWING, ...args]))
      const replica = await keep(RedisServer.start(['--replicaof', '127.0.0.1', String(master.port), ...FOLLOWING, ...args]))
      await follows(replica)
      await sentOn(master, replica)
      const sentinels = await Promise.all([0, 1, 2].map(() => keep(Sentinel.start(master.port))))
      const known = async (): Promise<boolean> => (await Promise.all(sentinels.map((each) => each.state()))).every((state) => state.includes('slaves=1,sentinels=3'))
      await until('the sentinels know one another', known)
      return new SentinelTrio(master, replica, sentinels)
    })
  }

  get url(): string {
    return `redis+sentinel://${this.#sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/reeve`
  }

  /** From now on nothing that the master is told reaches the replica. */
  async cutReplication(): Promise<void> {
    await this.master.command('ACL', 'SETUSER', 'follower', 'off')
    await this.master.command('CLIENT', 'KILL', 'TYPE', 'replica')
  }

  /** Waits until `server` is the master. Default: the replica. */
  async promoted(server: RedisServer = this.replica): Promise<void> {
    await until('the replica is promoted', () => tells(server, 'role:master'), 60_000)
  }

  /** Waits until `server`, which was the master, follows the new one. */
  async demoted(server: RedisServer): Promise<void> {
    await follows(server)
  }

  /** Twice is once. */
  async stop(): Promise<void> {
    this.#stopped ??= Promise.all([...this.#sentinels, this.master, this.replica].map((each) => each.stop()))
    await this.#stopped
  }
}

const FOLLOWING = ['--repl-diskless-sync-delay', '0', '--user', 'follower', 'on', '>follower', '+psync', '+replconf', '+ping', '--masteruser', 'follower', '--masterauth', 'follower']

async function follows(server: RedisServer): Promise<void> {
  await until('the replica follows', () => tells(server, 'master_link_status:up'), 60_000)
}

/** A replica that has all of its master may yet wait, for a second, until that sends it what comes then. */
async function sentOn(master: RedisServer, replica: RedisServer): Promise<void> {
  await until('the replica is sent what is new', async () => {
    // Refused while it has to have a replica that follows closely.
    await master.command('SET', 'probe', 'sent')
    return await replica.command('GET', 'probe') === 'sent'
  })
  await master.command('DEL', 'probe')
}

/** A sentinel that makes a server a master or a replica ends all its connections, ours too: that is a no. */
async function tells(server: RedisServer, fact: string): Promise<boolean> {
  return server.command('INFO', 'replication').then((info) => info.includes(fact), () => false)
}

/** A Cluster of three masters on loopback, each with a third of the slots. */
export class RedisCluster {
  readonly nodes: readonly RedisServer[]
  /** Of the node with the same index; empty when there are none. */
  readonly replicas: readonly RedisServer[]

  /** Use `start`. */
  constructor(nodes: readonly RedisServer[], replicas: readonly RedisServer[]) {
    this.nodes = nodes
    this.replicas = replicas
  }

  /** `replicated`: each master has a replica. A node counts as down after two seconds. */
  static start({ replicated = false }: { readonly replicated?: boolean } = {}): Promise<RedisCluster> {
    return allOrNothing(async (keep) => {
      const [nodes, replicas] = await Promise.all([startNodes(3, keep), startNodes(replicated ? 3 : 0, keep)])
      for (const [index, { server }] of nodes.entries()) {
        await server.command('CLUSTER', 'ADDSLOTSRANGE', String(FIRST_SLOTS[index]), String((FIRST_SLOTS[index + 1] ?? SLOTS) - 1))
        await server.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
      }
      for (const { server, busPort } of [...nodes, ...replicas]) await nodes[0]?.server.command('CLUSTER', 'MEET', '127.0.0.1', String(server.port), String(busPort))
      const cluster = new RedisCluster(nodes.map(({ server }) => server), replicas.map(({ server }) => server))
      await cluster.#complete()
      return cluster
    })
  }

  get url(): string {
    return `redis+cluster://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
  }

  async slotOf(key: string): Promise<number> {
    return Number(await this.nodes[0]?.command('CLUSTER', 'KEYSLOT', key))
  }

  /** The master that has the slot, by what `witness` knows. Default: the first node. */
  async ownerOf(slot: number, witness = this.nodes[0]): Promise<RedisServer> {
    const lines = (await witness?.command('CLUSTER', 'NODES') ?? '').split('\n')
    const line = lines.find((each) => rangesOf(each).some(([first, last]) => first <= slot && slot <= last))
    const owner = [...this.nodes, ...this.replicas].find(({ port }) => line?.includes(`:${port}@`))
    if (!owner) throw new Error(`nobody has the slot ${slot}:\n${lines.join('\n')}`)
    return owner
  }

  /** Gives a slot of one node, with its keys, to another, which takes a new epoch for it: else the gossip would give it back. */
  async moveSlot(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    const [source, id] = [await from.command('CLUSTER', 'MYID'), await to.command('CLUSTER', 'MYID')]
    await to.command('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', source)
    await from.command('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', id)
    for (let keys = await keysIn(slot, from); keys.length > 0; keys = await keysIn(slot, from)) {
      await from.command('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys)
    }
    for (const node of [to, ...this.nodes.filter((each) => each !== to)]) await node.command('CLUSTER', 'SETSLOT', String(slot), 'NODE', id)
  }

  /** Twice is no error. */
  async stop(): Promise<void> {
    await Promise.all([...this.nodes, ...this.replicas].map((node) => node.stop()))
  }

  async #complete(): Promise<void> {
    const all = [...this.nodes, ...this.replicas]
    await until('every node knows all slots', async () => {
      const states = await Promise.all(all.map((node) => node.command('CLUSTER', 'INFO')))
      return states.every((state) => state.includes('cluster_state:ok') && state.includes(`cluster_slots_assigned:${SLOTS}`) && state.includes(`cluster_known_nodes:${all.length}`))
    })
    await Promise.all(this.replicas.map(async (replica, index) => {
      await replica.command('CLUSTER', 'REPLICATE', await this.nodes[index]?.command('CLUSTER', 'MYID') ?? '')
      await follows(replica)
    }))
  }
}

const SLOTS = 16_384
const FIRST_SLOTS = [0, 5_461, 10_923]

async function startNodes(count: number, keep: Keep): Promise<readonly { readonly server: RedisServer; readonly busPort: number }[]> {
  return Promise.all(Array.from({ length: count }, async () => {
    const busPort = await freePort()
    const server = await keep(RedisServer.start([
      '--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no', '--repl-diskless-sync-delay', '0',
    ]))
    return { server, busPort }
  }))
}

/** `ID ADDRESS FLAGS MASTER PING PONG EPOCH STATE SLOTS…`, in which a slot under way is `[…]`. */
function rangesOf(line: string): readonly (readonly [first: number, last: number])[] {
  return line.split(' ').slice(8).filter((range) => /^\d/.test(range)).map((range) => {
    const [first = '', last = first] = range.split('-')
    return [Number(first), Number(last)]
  })
}

async function keysIn(slot: number, node: RedisServer): Promise<readonly string[]> {
  return (await node.command('CLUSTER', 'GETKEYSINSLOT', String(slot), '100')).split('\n').filter((key) => key !== '')
}

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

interface Stoppable {
  stop(): Promise<void>
}

type Keep = <Part extends Stoppable>(starting: Promise<Part>) => Promise<Part>

/** What is made of parts; when that fails, the parts are stopped that were there. */
async function allOrNothing<Whole>(make: (keep: Keep) => Promise<Whole>): Promise<Whole> {
  const parts: Stoppable[] = []
  try {
    return await make(async (starting) => {
      const part = await starting
      parts.push(part)
      return part
    })
  } catch (error) {
    await Promise.all(parts.map((part) => part.stop()))
    throw error
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
      'sentinel down-after-milliseconds reeve 1000', 'sentinel failover-timeout reeve 3000',
    ].join('\n'))
    const sentinel = new Sentinel(port, folder)
    await until('the sentinel answers', () => sentinel.command('PING').then((answer) => answer.startsWith('PONG'), () => false))
    // It looks more often than every second or ten. An older one (before 7.0) does not know this, and takes its time.
    await sentinel.command('SENTINEL', 'DEBUG', 'INFO-PERIOD', '300', 'PUBLISH-PERIOD', '300', 'PING-PERIOD', '200', 'ASK-PERIOD', '300')
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
