import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { benchEnvironment, withDescriptors } from './environment.js'
import type { LoadPlan, LoadResult } from './load-plan.js'
import { LOAD_GENERATOR } from './paths.js'

/**
 * A running load generator, in a process of its own. It answers with two lines:
 * one when the load that counts begins, one with the result. It holds its
 * connections until this end closes its standard input.
 */
export class Load implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  /** Use `start`. */
  constructor(child: ChildProcess) {
    this.#child = child
    if (!child.stdout) throw new TypeError('Cannot read the load generator as its stdout is no pipe')
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  /** Resolves when the load that counts begins: every connection is made, and the warm-up is over. */
  static async start(plan: LoadPlan, descriptors = 1_024): Promise<Load> {
    const command = [process.execPath, LOAD_GENERATOR, JSON.stringify(plan)]
    const [file = '', ...args] = withDescriptors(descriptors, command)
    const load = new Load(spawn(file, args, { env: benchEnvironment(), stdio: ['pipe', 'pipe', 'inherit'] }))
    await load.#line()
    return load
  }

  /** Resolves when the load has run for its time. The connections stay. */
  async result(): Promise<LoadResult> {
    return JSON.parse(await this.#line()) as LoadResult
  }

  /** Ends a load without a duration, or before its time. */
  async finish(): Promise<LoadResult> {
    this.#child.stdin?.end()
    return await this.result()
  }

  /** Closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end()
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }

  async #line(): Promise<string> {
    const { value, done } = (await this.#lines.next()) as IteratorResult<string, undefined>
    if (done) throw new Error('Cannot go on as the load generator has ended before its time')
    return value
  }
}

/** One load from beginning to end. */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  await using load = await Load.start(plan)
  return await load.result()
}

/** Failures of all kinds. */
export function failureCount({ failures }: LoadResult): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0)
}
