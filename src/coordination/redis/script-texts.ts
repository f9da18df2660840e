import { createHash } from 'node:crypto'
import type { RedisScript } from './port.js'

/** What is sent for a script. */
export interface ScriptText {
  readonly text: string
  /** The name under which Redis keeps `text`: SHA-1, in hexadecimal. */
  readonly sha: string
}

/** Texts with their digests, computed once. */
export class ScriptTexts {
  readonly #texts = new Map<RedisScript, ScriptText>()
  #withFlags = false

  /** Whether the servers read the `#!lua` line (Redis 7.0); without it `allow-oom` has no effect. */
  set withFlags(known: boolean) {
    if (known !== this.#withFlags) this.#texts.clear()
    this.#withFlags = known
  }

  of(script: RedisScript): ScriptText {
    const known = this.#texts.get(script)
    if (known) return known
    const text = this.#withFlags ? `${flagsLine(script.flags)}\n${script.lua}` : script.lua
    const made = { text, sha: createHash('sha1').update(text).digest('hex') }
    this.#texts.set(script, made)
    return made
  }
}

function flagsLine(flags: readonly string[]): string {
  return flags.length === 0 ? '#!lua' : `#!lua flags=${flags.join(',')}`
}

/** The server has never seen the script, or has forgotten it: nothing was run. */
export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
