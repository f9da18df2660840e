import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** For one command: what waits for longer, waits for something that will not come. */
const COMMAND_TIMEOUT_MS = 30_000
const REPOSITORY = join(import.meta.dirname, '../../..')
const SCRIPT = join(REPOSITORY, 'test/support/boot-systemd.sh')
const CANNOT = /^cannot (?<reason>.+)$/
const BOOTED = /^booted (?<pid>[0-9]+) (?<root>.+)$/

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A machine whose PID 1 is a real systemd; this repository is its `/srv/reeve`. Disposed of, nothing of it is left. */
export class Machine implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #pid: string
  readonly #root: string

  constructor(child: ChildProcess, pid: string, root: string) {
    this.#child = child
    this.#pid = pid
    this.#root = root
  }

  /** Runs a command inside as root; its exit code is no error. @throws when it was killed or took more than 30 s. */
  run(command: string, ...args: readonly string[]): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      execFile('nsenter', ['--target', this.#pid, '--all', '--', command, ...args], { cwd: '/', timeout: COMMAND_TIMEOUT_MS }, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(new Error(`${[command, ...args].join(' ')} did not end by itself`, { cause: error }))
        else resolve({ code: Number(error?.code ?? 0), stdout, stderr })
      })
    })
  }

  /** Runs a command that has to succeed; its standard output. */
  async check(command: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, ...args)
    if (code !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${code}: ${stderr}${stdout}`)
    return stdout
  }

  /** Writes a file inside. Not under /run or /tmp, which the machine mounts for itself. */
  async write(path: string, text: string): Promise<void> {
    await writeFile(join(this.#root, path), text)
  }

  /** A property of a unit, as `systemctl show` says it. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.check('systemctl', 'show', '--value', '--property', name, unit)).trim()
  }

  /** Resolves once the property is `wanted`. @throws an error with the last value when it is not within `timeoutMs`. */
  async until(unit: string, name: string, wanted: string | RegExp, timeoutMs = 20_000): Promise<string> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const value = await this.property(unit, name)
      if (typeof wanted === 'string' ? value === wanted : wanted.test(value)) return value
      if (performance.now() > deadline) throw new Error(`${name} of ${unit} is "${value}" after ${timeoutMs} ms, not ${wanted}\n${await this.journal(unit)}`)
      await sleep(50)
    }
  }

  /** What the unit has logged. */
  async journal(unit: string): Promise<string> {
    return (await this.run('journalctl', '--no-pager', '--unit', unit)).stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'close')
    this.#child.stdin?.end()
    await ended
  }
}

/** Boots one, in about a second. A string is the reason why this machine cannot. @throws when it should have booted. */
export async function bootSystemd(): Promise<Machine | string> {
  const child = spawn(SCRIPT, [REPOSITORY, process.execPath], { stdio: ['pipe', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout })) {
    const reason = CANNOT.exec(line)?.groups?.['reason']
    if (reason !== undefined) return reason
    const { pid, root } = BOOTED.exec(line)?.groups ?? {}
    if (pid !== undefined && root !== undefined) return new Machine(child, pid, root)
  }
  throw new Error('systemd did not boot')
}
