import type { AnswerSource, Link } from './link.js'
import { ANSWER, type EncodedResult, type ObjectDescription } from './messages.js'
import { remoteIterator } from './remote-iterator.js'
import { remoteObject } from './remote-object.js'

/** What the caller gets of a result that came from the thread `home`. */
export function revive(link: Link, [kind, value]: EncodedResult, { home, options }: AnswerSource): unknown {
  switch (kind) {
    case ANSWER.value: return value
    case ANSWER.buffer: return asBuffer(value as Uint8Array)
    case ANSWER.object: return remoteObject(link, value as ObjectDescription, home)
    case ANSWER.iterator: return remoteIterator(link, value as number, { home, options })
    case ANSWER.error: throw new TypeError('an error is no result')
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
