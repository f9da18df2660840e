import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const REPOSITORY = join(import.meta.dirname, '../../..')
const SCRIPT = join(REPOSITORY, 'test/support/install-redis.sh')
const FOLDER = join(REPOSITORY, 'node_modules/.cache/redis')
const PROGRAMS = ['redis-server', 'redis-sentinel', 'redis-cli']
/** A download over a slow line, and the wait for another process that is at it. */
const INSTALL_TIMEOUT_MS = 300_000

let ensured: Promise<string | undefined> | undefined

/**
 * Sees to it that redis-server, redis-sentinel and redis-cli can be called by their
 * names: the machine's own, or else those of Debian's package, installed by root or
 * unpacked under node_modules/.cache (see install-redis.sh), whose folder then joins
 * PATH. Undefined: they can; a text: why not. Done once, whoever asks.
 */
export function ensureRedis(): Promise<string | undefined> {
  ensured ??= ensure()
  return ensured
}

async function ensure(): Promise<string | undefined> {
  if (PROGRAMS.every(onPath)) return undefined
  const bin = join(FOLDER, 'bin')
  const reason = await install()
  if (reason !== undefined) return reason
  process.env['PATH'] = [bin, process.env['PATH']].join(delimiter)
  return answers()
}

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => isExecutable(join(folder, program)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function install(): Promise<string | undefined> {
  try {
    await promisify(execFile)(SCRIPT, [FOLDER], { timeout: INSTALL_TIMEOUT_MS })
    return undefined
  } catch (error) {
    const { stdout } = error as { stdout?: string }
    return /^cannot (?<reason>.+)$/m.exec(stdout ?? '')?.groups?.['reason'] ?? `redis could not be installed: ${(error as Error).message}`
  }
}

/** What was unpacked may lack a library. */
async function answers(): Promise<string | undefined> {
  try {
    await promisify(execFile)('redis-server', ['--version'])
    return undefined
  } catch (error) {
    return `redis-server does not run: ${(error as Error).message}`
  }
}
