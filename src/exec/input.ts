import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { codeOf } from '../base/errors.js'

/** What a command reads. A stream or an iterable can be consumed once only. */
export type ProcessInput = string | Uint8Array | AsyncIterable<string | Uint8Array> | Readable

/** The ends of a reader who has read enough: no errors. */
const READ_ENOUGH = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ENOTCONN'])

export function isText(input: ProcessInput): input is string | Uint8Array {
  return typeof input === 'string' || input instanceof Uint8Array
}

/**
 * Writes all of `input`, as fast as the child reads, and closes. A child that reads
 * no further ends it, and the source with it. Rejects with what the source threw.
 *
 * It may outlast the child, when the source does not answer: let it be.
 */
export async function pumpInput(stdin: Writable, input: ProcessInput): Promise<void> {
  const failure: { error?: unknown } = {}
  // Without a listener an EPIPE between two writes would end this process.
  stdin.on('error', () => {})
  if (isText(input)) {
    stdin.end(input)
    return
  }
  const source = input instanceof Readable ? input.on('error', (error) => { failure.error = error }) : Readable.from(watched(input, failure))
  try {
    await pipeline(source, stdin)
  } catch (error) {
    if ('error' in failure && !isOfPipeline(failure.error)) throw failure.error
    if (!READ_ENOUGH.has(codeOf(error) ?? '')) throw error
  }
}

/** Readables are told of the early end as if it were a failure of theirs. */
function isOfPipeline(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'EPIPE'
}

/** Notes what the source itself throws: its codes may be the same as those of the pipe. */
async function* watched(input: AsyncIterable<string | Uint8Array>, failure: { error?: unknown }): AsyncGenerator<string | Uint8Array> {
  try {
    yield* input
  } catch (error) {
    failure.error = error
    throw error
  }
}
