import { mkdtempSync, openSync, closeSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const BLOCK = Buffer.alloc(2 ** 20, 'reeve\n')

/** Files for the children to read, in a folder that goes with the benchmark. */
export class BenchFiles implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'reeve-bench-pipes-'))
  readonly #remove = (): void => rmSync(this.#directory, { recursive: true, force: true })

  constructor() {
    process.once('exit', this.#remove)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
  }

  /** The path of a file of so many MiB, read once: what is measured is the pipe, not the disk. */
  make(name: string, mebibytes: number): string {
    const path = join(this.#directory, name)
    const fd = openSync(path, 'w+')
    for (let n = 0; n < mebibytes; n++) writeSync(fd, BLOCK)
    const block = Buffer.alloc(BLOCK.length)
    for (let at = 0; readSync(fd, block, 0, block.length, at) > 0; at += block.length);
    closeSync(fd)
    return path
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#remove)
    this.#remove()
  }
}
