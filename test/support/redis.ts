import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './ports.js'
import { until } from './processes.js'

/** A redis-server of the test's own: its port, its folder, its process. */
export class RedisServer {
  readonly port: number
  readonly #folder: string
  readonly #args: readonly string[]
  #child: ChildProcess

  private constructor(port: number, folder: string, args: readonly string[]) {
    this.port = port
    this.#folder = folder
    this.#args = args
    this.#child = this.#spawn()
  }

  /** Starts one; `args` as on its command line. */
  static async start(args: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await mkdtemp(join(tmpdir(), 'redis-')), args)
    await server.#ready()
    return server
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

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGKILL')
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGCONT')
    this.#child.kill(signal)
    await exit
  }

  #spawn(): ChildProcess {
    return spawn('redis-server', ['--port', String(this.port), '--dir', this.#folder, '--save', '', '--appendonly', 'no', ...this.#args], { stdio: 'ignore' })
  }

  async #ready(): Promise<void> {
    await until('redis-server answers', () => this.command('PING').then((answer) => answer === 'PONG', () => false))
  }
}
