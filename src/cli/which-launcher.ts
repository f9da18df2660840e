import path from 'node:path'
import { defaultControlPath, findControlPaths } from '../admin/control-path.js'
import { CodedError } from '../base/errors.js'
import { usageError } from './arguments.js'

/** What was said of the launcher that is meant. */
export interface WhichLauncher {
  /** `--control PATH`. */
  readonly controlPath: string | undefined
  readonly name: string | undefined
}

/**
 * The control socket of the launcher that is meant: the one that was named, or the
 * only one that there is.
 * @throws CodedError CONTROL_UNREACHABLE when there is none, USAGE when several could be meant
 */
export function whichControlPath({ controlPath, name }: WhichLauncher, env: NodeJS.ProcessEnv): string {
  if (controlPath !== undefined) return controlPath
  if (name !== undefined) return defaultControlPath(env, name)
  const found = findControlPaths(env)
  if (found.length === 1 && found[0] !== undefined) return found[0]
  if (found.length === 0) throw new CodedError('CONTROL_UNREACHABLE', 'Cannot reach a launcher as none is running here; one elsewhere is reached by --control PATH')
  throw usageError(`Cannot tell which launcher is meant: name one of ${found.map((file) => path.basename(file, '.sock')).join(', ')}`)
}
