import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { CodedError } from '../base/errors.js'

const EXTENSIONS = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']

/**
 * The absolute path of a service module: a file (its ending may be left out), a
 * folder with an index, or else a package that the working directory can require.
 *
 * @throws CodedError MODULE_MISSING
 */
export function findModule(module: string, cwd = process.cwd()): string {
  const base = path.resolve(cwd, module)
  const file = [...EXTENSIONS.map((extension) => base + extension), ...EXTENSIONS.slice(1).map((extension) => path.join(base, `index${extension}`))].find(isFile)
  if (file !== undefined) return file
  try {
    return createRequire(path.join(cwd, 'launcher.js')).resolve(module)
  } catch (cause) {
    throw new CodedError('MODULE_MISSING', `Cannot run "${module}" as there is no such module: ${base}`, { cause })
  }
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false
}
