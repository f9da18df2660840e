import os from 'node:os'
import { createInterface } from 'node:readline/promises'
import { CodedError } from '../../base/errors.js'
import { EXIT } from '../../base/exit-code.js'
import { formatDuration, parseDuration } from '../../base/units.js'
import { MAX_LOCK_DELAY_MS } from '../../coordination/names.js'
import type { ResourceSnapshot } from '../../coordination/store.js'
import { usageError, type FlagSpec } from '../arguments.js'
import { parseCoordination, print, type CoordinationArguments } from '../coordination-arguments.js'
import type { CoordinationSource } from '../coordination-source.js'
import { renderLock, toHolderJson, toLockJson } from '../render-coordination.js'

const YES: FlagSpec = { flag: '--yes', short: '-y', help: 'Do not ask.' }
const LOCK_DELAY: FlagSpec = { flag: '--lock-delay', value: 'TIME', help: 'Nobody gets it for so long. Default 0: others may have it at once.' }
const REASON: FlagSpec = { flag: '--reason', value: 'TEXT', help: 'Why; it is kept with the lock.' }

/** `launcher lock show|force-release NAME`. @throws CodedError LOCK_NOT_FOUND, USAGE */
export async function lock(argv: readonly string[]): Promise<number> {
  const parsed = parseCoordination(argv, { actions: { command: 'lock', names: ['show', 'force-release'] }, operands: ['the name of a lock'], flags: [YES, LOCK_DELAY, REASON] })
  return parsed.action === 'show' ? await show(parsed) : await forceRelease(parsed)
}

/** A lock that nobody has ever taken is as free as one that was given back. */
async function show(parsed: CoordinationArguments): Promise<number> {
  const [name = ''] = parsed.operands
  const found = await parsed.withSource((source) => source.readResource(`lock:${name}`))
  const shown = found && toLockJson(found, Date.now())
  return print(parsed, shown ?? null, renderLock(name, shown))
}

/** Whoever holds it by the time that it is released loses it: he learns so at his next renewal. */
async function forceRelease(parsed: CoordinationArguments): Promise<number> {
  const [name = ''] = parsed.operands
  const lockDelayMs = lockDelay(parsed.valueOf(LOCK_DELAY.flag))
  const by = releasedBy(parsed.valueOf(REASON.flag))
  const isSure = parsed.has(YES.flag)
  if (!isSure && !process.stdin.isTTY) throw usageError(`Cannot release "${name}" as there is no terminal to ask on: say --yes`)
  return await parsed.withSource(async (source) => {
    const resource = await readHeld(source, name)
    if (!isSure && !await confirm(resource, name)) {
      process.stderr.write('not released\n')
      return EXIT.failure
    }
    const released = await source.forceRelease({ name: resource.name, by, lockDelayMs })
    const holders = released.map((holder) => toHolderJson(holder, Date.now()))
    const whose = holders.map(({ member, fence }) => `${member} (fence ${fence})`).join(', ') || 'nobody any more'
    const then = lockDelayMs === 0 ? 'others may have it at once' : `nobody gets it for ${formatDuration(lockDelayMs)}`
    return print(parsed, { name, released: holders, lockDelayMs, by }, `released ${name}, held by ${whose}; ${then}\n`)
  })
}

function lockDelay(text = '0'): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw usageError(`Cannot use "${LOCK_DELAY.flag}" as it is a time, such as 500ms, 5s or 2m: ${text}`)
  if (ms > MAX_LOCK_DELAY_MS) throw usageError(`Cannot use "${LOCK_DELAY.flag}" as it is at most ${formatDuration(MAX_LOCK_DELAY_MS)}: ${text}`)
  return ms
}

const MAX_REASON_CHARS = 200

/** What `last` of the lock tells afterwards: `root@h1 (migration stuck)`. */
function releasedBy(reason: string | undefined): string {
  const who = `${os.userInfo().username}@${os.hostname()}`
  if (reason === undefined) return who
  if (reason.length > MAX_REASON_CHARS || /\p{Cc}/u.test(reason)) throw usageError(`Cannot use "${REASON.flag}" as it is one line of at most ${MAX_REASON_CHARS} characters: ${JSON.stringify(reason).slice(0, MAX_REASON_CHARS)}`)
  return `${who} (${reason})`
}

async function readHeld(source: CoordinationSource, name: string): Promise<ResourceSnapshot> {
  const resource = await source.readResource(`lock:${name}`)
  if (!resource || resource.holders.length === 0) throw new CodedError('LOCK_NOT_FOUND', `Cannot release "${name}" as nobody holds it`)
  return resource
}

/** Asked on stderr, for stdout may be a file. No answer is no. */
async function confirm(resource: ResourceSnapshot, name: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')))
  const holders = toLockJson(resource, Date.now()).holders.map(({ member, host, pid }) => `${member}${host === null ? '' : ` on ${host}`}${pid === null ? '' : ` (pid ${pid})`}`)
  try {
    const answer = await Promise.race([terminal.question(`Release ${name} held by ${holders.join(', ')}? [y/N] `), ended])
    return /^y(?:es)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}
