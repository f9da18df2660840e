import { lstatSync, mkdirSync, readdirSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { CodedError, messageOf } from '../base/errors.js'

/**
 * Where control sockets are: `$RUNTIME_DIRECTORY` (systemd's `RuntimeDirectory=`),
 * else `$XDG_RUNTIME_DIR/reeve`, else a folder of one's own, mode 0700, under the
 * system's temporary folder.
 */
export function controlDirectory(env: NodeJS.ProcessEnv): string {
  if (env['RUNTIME_DIRECTORY']) return env['RUNTIME_DIRECTORY'].split(':')[0] ?? ''
  if (env['XDG_RUNTIME_DIR']) return path.join(env['XDG_RUNTIME_DIR'], 'reeve')
  return path.join(os.tmpdir(), `reeve-${process.getuid?.() ?? 0}`)
}

export function defaultControlPath(env: NodeJS.ProcessEnv, name: string): string {
  return path.join(controlDirectory(env), `${name}.sock`)
}

/**
 * Makes the folder of a control socket, private to this user, where it is missing.
 * @throws CodedError CONTROL_FAILED when it cannot be made, or belongs to somebody else, who could put his own socket there
 */
export function ensureControlDirectory(socketPath: string): void {
  const folder = path.dirname(socketPath)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new CodedError('CONTROL_FAILED', `Cannot put the control socket into "${folder}" as the system refuses: ${messageOf(cause)}`, { cause })
  }
  const own = path.basename(folder) === `reeve-${process.getuid?.() ?? 0}`
  if (!own) return
  const facts = lstatSync(folder)
  if (!facts.isDirectory() || facts.uid !== process.getuid?.() || (facts.mode & 0o022) !== 0) {
    throw new CodedError('CONTROL_FAILED', `Cannot put the control socket into "${folder}" as the folder is not this user's alone: use --control PATH`)
  }
}

/** The control sockets in the default folder, whether or not somebody answers on them. */
export function findControlPaths(env: NodeJS.ProcessEnv): string[] {
  const folder = controlDirectory(env)
  try {
    return readdirSync(folder).filter((file) => file.endsWith('.sock')).sort().map((file) => path.join(folder, file))
  } catch {
    return []
  }
}
