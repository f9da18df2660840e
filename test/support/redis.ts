import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureRedis } from './ensure-redis.js'
import { freePort } from './ports.js'
import { until } from './processes.js'

/** A free port may be another's by the time that the server binds it. */
const ATTEMPTS = 3

/** Every server that runs: they do not outlive the test file, however it ends by itself. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A redis-server of the test's own: its port, its folder, its process. It keeps nothing on disk unless `args` say so. */
export class RedisServer implements AsyncDisposable {
  readonly port: number
  readonly #folder: string
  readonly #args: readonly string[]
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess
  #output = ''

  /** Use `start`. */
  constructor(port: number, folder: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.port = port
    this.#folder = folder
    this.#args = args
    this.#env = env
    this.#child = this.#spawn()
  }

  /** Undefined when this machine has a Redis, or has got one now; else why not, for `notRun()`. */
  static async available(): Promise<string | undefined> {
    return ensureRedis()
  }

  /** Starts one; `args` as on its command line, `env` beside the test's own. @throws with its last words when it will not start. */
  static async start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'redis-'))
    for (let attempt = 1; ; attempt++) {
      const server = new RedisServer(await freePort(), folder, args, env)
      try {
        await server.#ready()
        return server
      } catch (error) {
        await server.#end('SIGKILL')
        if (attempt < ATTEMPTS && server.#output.includes('Address already in use')) continue
        await rm(folder, { recursive: true, force: true })
        throw error
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** One command by redis-cli; its raw answer without the last newline. */
  async command(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('redis-cli', ['-p', String(this.port), ...args])
    return stdout.replace(/\n$/, '')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends it by `signal` and starts it again on the same port; without persistence it comes back empty. */
  async restart(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#end(signal)
    this.#child = this.#spawn()
    await this.#ready()
  }

  /** Ends it at once. `restart()` brings it back. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Ends it and takes its folder away. */
  async stop(): Promise<void> {
    await this.#end('SIGKILL')
    await rm(this.#folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#ended) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGCONT')
    this.#child.kill(signal)
    await exit
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  #spawn(): ChildProcess {
    const args = ['--port', String(this.port), '--dir', this.#folder, '--save', '', '--appendonly', 'no', ...this.#args]
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...this.#env } })
    running.add(child)
    child.once('exit', () => running.delete(child))
    this.#output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => { this.#output = (this.#output + String(text)).slice(-2_000) })
    return child
  }

  async #ready(): Promise<void> {
    await until('redis-server answers', () => {
      if (this.#ended) throw new Error(`redis-server did not start: ${this.#output}`)
      return this.command('PING').then((answer) => answer === 'PONG', () => false)
    })
  }
}
