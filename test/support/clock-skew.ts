import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const REPOSITORY = join(import.meta.dirname, '../../..')
const SOURCE = join(REPOSITORY, 'test/support/skew.c')
const CACHE = join(REPOSITORY, 'node_modules/.cache/skew')

let compiled: Promise<string> | undefined
let count = 0

/** The wall clock of one process, to be jumped while it runs: start the process with `env`. Its monotonic clock stays right. */
export class ClockSkew {
  readonly env: NodeJS.ProcessEnv
  readonly #file: string

  /** Use `create`. */
  constructor(library: string) {
    this.#file = join(tmpdir(), `reeve-skew-${process.pid}-${count++}`)
    this.env = { LD_PRELOAD: library, SKEW_FILE: this.#file }
    this.jump(0)
  }

  /** A text: why this machine cannot, for `notRun()`. */
  static async create(): Promise<ClockSkew | string> {
    compiled ??= compile()
    try {
      return new ClockSkew(await compiled)
    } catch (error) {
      return `the clock's shim cannot be compiled: ${(error as Error).message.split('\n')[0] ?? ''}`
    }
  }

  /** Sets the clock to the true time plus `seconds`, whole ones; negative: back. From the process's next look on. */
  jump(seconds: number): void {
    writeFileSync(`${this.#file}.new`, String(seconds))
    renameSync(`${this.#file}.new`, this.#file)
  }

  remove(): void {
    rmSync(this.#file, { force: true })
  }
}

/** The library's path. Its name carries the source's digest, and it appears whole: several processes may do this at once. */
async function compile(): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 12)
  const library = join(CACHE, `skew-${digest}.so`)
  if (existsSync(library)) return library
  mkdirSync(CACHE, { recursive: true })
  const fresh = `${library}.${process.pid}`
  await promisify(execFile)('cc', ['-O2', '-Wall', '-shared', '-fPIC', '-o', fresh, SOURCE])
  renameSync(fresh, library)
  return library
}
