import { PassThrough, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Child } from './child.js'
import { ChunkQueue } from './chunk-queue.js'
import { failureOf } from './failure.js'
import { FollowedTail } from './followed-tail.js'
import { resolveRun, type CommandRunOptions, type ResolvedRun } from './options.js'
import type { ExecResult } from './result.js'
import { splitLines } from './split-lines.js'
import { tellEnd, tellStart, watchChild } from './watch-child.js'

export interface StreamOptions extends CommandRunOptions {
  /** Makes `stdin` of the result: end it, or the command may wait for ever. */
  readonly stdin?: 'pipe'
}

/** As `ExecResult`; of stderr there is the tail, of stdout nothing. */
export type StreamResult = ExecResult<string>

/**
 * A command whose output is read while it runs.
 *
 * Standard output is read as fast as it is consumed, and no faster: until someone
 * does, the command waits. Of standard error the last 64 KiB are kept for messages,
 * whether it is consumed or not. Who leaves a loop over the output early closes it:
 * how the command takes that, mostly by SIGPIPE, is no failure.
 */
export interface CommandStream extends AsyncDisposable {
  /** Chunks, which are the consumer's own. To be iterated once; ends by throwing what `done` rejects with. */
  readonly stdout: AsyncIterable<Buffer>
  /** As `stdout`. What came before it was iterated is not seen again. */
  readonly stderr: AsyncIterable<Buffer>
  /** Undefined without the option `stdin`. */
  readonly stdin: Writable | undefined
  /** Rejects as `execute()` does. Waits for what is not consumed. */
  readonly done: Promise<StreamResult>
  /** Lines of standard output, as bytes, without their newlines; in place of `stdout`. A line is kept whole, however long. */
  lines(): AsyncIterable<Buffer>
  /** Writes standard output into `writable`, and ends it; rejects as `done`, and with what `writable` fails with. */
  pipeTo(writable: Writable): Promise<StreamResult>
  /** SIGTERM to the process group, SIGKILL after `killGraceMs`. Resolves when it is over; never rejects. */
  kill(): Promise<void>
}

/**
 * Starts a command, and gives its output to be read while it runs.
 *
 * ```ts
 * await using log = stream('journalctl', ['-f', '-o', 'json'], { signal })
 * for await (const line of log.lines()) handle(JSON.parse(line.toString()))
 * ```
 *
 * What cannot be started is told by `done`, and to whoever reads.
 *
 * @throws TypeError, RangeError for what cannot be run; EXEC_ROOT_HELPER_MISSING
 */
export function stream(command: string, args: readonly string[] = [], options: StreamOptions = {}): CommandStream {
  const stdin = options.stdin === 'pipe' ? new PassThrough() : undefined
  if (stdin && options.processInput !== undefined) throw new TypeError(`Cannot stream "${command}" as it takes the option stdin or processInput: both`)
  return new RunningStream(resolveRun(command, args, stdin ? { ...options, processInput: stdin } : options), stdin)
}

class RunningStream implements CommandStream {
  readonly stdin: Writable | undefined
  readonly stdout: AsyncIterable<Buffer>
  readonly stderr: AsyncIterable<Buffer>
  readonly done: Promise<StreamResult>
  readonly #run: ResolvedRun
  readonly #starting: Promise<Child>
  readonly #out: ChunkQueue
  readonly #err: FollowedTail
  #child: Child | undefined
  #leftEarly = false

  constructor(run: ResolvedRun, stdin: Writable | undefined) {
    this.stdin = stdin
    this.#run = run
    this.#out = new ChunkQueue(run.readBytes, () => this.#child?.stdout.resume())
    this.#err = new FollowedTail(run.readBytes, () => this.#child?.stderr.resume())
    this.#starting = this.#start()
    this.done = this.#watch()
    // It is told to those who read, too: not each of them has to wait for this.
    this.done.catch(() => {})
    this.stdout = this.#once('stdout', () => this.#out, () => { this.#leave() })
    this.stderr = this.#once('stderr', () => this.#err.follow(), () => { this.#child?.stderr.destroy() })
  }

  lines(): AsyncIterable<Buffer> {
    return splitLines(this.stdout)
  }

  async pipeTo(writable: Writable): Promise<StreamResult> {
    await pipeline(this.stdout, writable)
    return await this.done
  }

  async kill(): Promise<void> {
    const child = await this.#starting.catch(() => undefined)
    await child?.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await this.done.catch(() => {})
  }

  async #start(): Promise<Child> {
    this.#run.signal?.throwIfAborted()
    const child = await Child.start({ ...this.#run, cwd: this.#run.cwd, hasInput: this.#run.processInput !== undefined })
    this.#child = child
    await tellStart(child, this.#run)
    child.stdout.start(this.#out)
    child.stderr.start(this.#err)
    return child
  }

  async #watch(): Promise<StreamResult> {
    try {
      const child = await this.#starting
      void child.stdout.ended.then(() => this.#out.end())
      void child.stderr.ended.then(() => this.#err.end())
      return await this.#result(child)
    } finally {
      this.stdin?.destroy()
      this.#out.end()
      this.#err.end()
    }
  }

  async #result(child: Child): Promise<StreamResult> {
    const end = await watchChild(child, this.#run)
    tellEnd(child, this.#run, end.exit)
    const result: StreamResult = {
      ...end.exit,
      stdout: '',
      stderr: this.#err.tail(),
      bytes: { stdout: child.stdout.bytes, stderr: child.stderr.bytes },
      truncated: { stdout: 0, stderr: this.#err.droppedBytes },
      reads: child.stdout.reads,
      durationMs: child.ageMs,
      attempts: 1,
    }
    const failure = this.#leftEarly && !end.stopped ? undefined : failureOf(end, this.#run, result)
    if (failure) throw failure.error
    return result
  }

  #leave(): void {
    this.#leftEarly = true
    this.#child?.stdout.destroy()
  }

  /** An iterable that is iterated once: a second reader would get what the first one misses. */
  #once(name: string, begin: () => ChunkQueue, leave: () => void): AsyncIterable<Buffer> {
    let isTaken = false
    const chunks = this.#chunks.bind(this)
    return {
      [Symbol.asyncIterator]: () => {
        if (isTaken) throw new TypeError(`Cannot read ${name} of "${this.#run.line.shown}" as it can be read once only`)
        isTaken = true
        return chunks(begin(), leave)
      },
    }
  }

  async *#chunks(queue: ChunkQueue, leave: () => void): AsyncGenerator<Buffer, void> {
    let isAtEnd = false
    try {
      for (let chunk = await queue.take(); chunk !== undefined; chunk = await queue.take()) yield chunk
      isAtEnd = true
    } finally {
      if (!isAtEnd) leave()
    }
    await this.done
  }
}
