import { readFileSync } from 'node:fs'
import Module from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { compileFunction } from 'node:vm'
import { CodedError, codeOf } from '../base/errors.js'
import type { OptionGroups } from '../base/option.js'
import type { Service, ServiceClass, ServiceContext, ServiceFactory } from '../service/contract.js'
import { locateSyntaxError } from './locate-syntax-error.js'

/** What a module turned out to be. */
export type LoadedModule =
  | { readonly kind: 'service'; readonly options: OptionGroups | undefined; make(context: ServiceContext): Promise<Service> }
  /** A program that was not written for Reeve: evaluating it was running it. */
  | { readonly kind: 'script' }

/**
 * Evaluates the module and looks at its default export (`module.exports` of a
 * CommonJS module): a class is constructed with the context, a function is a
 * factory, an object with `start` is the service. Nothing of these, or something
 * that can `listen` or `handle` (an express or fastify app), is script mode.
 *
 * @throws CodedError SERVICE_TYPESCRIPT; and whatever the module itself throws
 */
export async function loadModule(file: string): Promise<LoadedModule> {
  const exported = await evaluate(file)
  const value = defaultOf(exported)
  const options = optionsOf(exported)
  if (isRecord(value) && (typeof value['listen'] === 'function' || typeof value['handle'] === 'function')) return { kind: 'script' }
  if (typeof value === 'function') {
    const make = /^class\b/.test(Function.prototype.toString.call(value))
      ? (context: ServiceContext) => new (value as ServiceClass)(context)
      : (context: ServiceContext) => (value as ServiceFactory)(context)
    return { kind: 'service', options, make: async (context) => checked(await make(context), file) }
  }
  if (isService(value)) return { kind: 'service', options, make: () => Promise.resolve(value) }
  return { kind: 'script' }
}

/** Runs the module as `node FILE` would: a CommonJS one is `require.main`. */
async function evaluate(file: string): Promise<unknown> {
  try {
    if (isCommonJs(file)) return loadMain(file)
    return await import(pathToFileURL(file).href)
  } catch (error) {
    if (codeOf(error) === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?tsx?$/.test(file)) {
      throw new CodedError('SERVICE_TYPESCRIPT', `Cannot load "${file}" as Node ${process.versions.node} does not run TypeScript by itself: add --import tsx, or compile it`, { cause: error })
    }
    if (error instanceof SyntaxError) locateSyntaxError(error, file)
    throw error
  }
}

interface ModuleInternals {
  _load(file: string, parent: undefined, isMain: boolean): unknown
}

/**
 * What does not parse as CommonJS is imported: Node then sees for itself that it
 * is ESM, or says what is wrong. To load it and see would not do: as the main
 * module Node itself imports ESM, but later, and `_load` gives an empty object.
 */
async function loadMain(file: string): Promise<unknown> {
  if (!file.endsWith('.cjs') && !parsesAsCommonJs(file)) return await import(pathToFileURL(file).href)
  return (Module as unknown as ModuleInternals)._load(file, undefined, true)
}

function parsesAsCommonJs(file: string): boolean {
  try {
    compileFunction(readFileSync(file, 'utf8'), ['exports', 'require', 'module', '__filename', '__dirname'], { filename: file })
    return true
  } catch {
    return false
  }
}

function isCommonJs(file: string): boolean {
  const extension = path.extname(file)
  return extension === '.cjs' || (extension === '.js' && packageType(path.dirname(file)) !== 'module')
}

/** The `type` of the nearest package.json, as Node finds it. */
function packageType(folder: string): string {
  try {
    const manifest: unknown = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
    return isRecord(manifest) && manifest['type'] === 'module' ? 'module' : 'commonjs'
  } catch (error) {
    const parent = path.dirname(folder)
    return codeOf(error) !== 'ENOENT' || parent === folder || path.basename(folder) === 'node_modules' ? 'commonjs' : packageType(parent)
  }
}

/** A compiled CommonJS module has its default export in `default`, and an import of one in `default.default`. */
function defaultOf(exported: unknown): unknown {
  if (!isRecord(exported)) return exported
  const outer = 'default' in exported || isNamespace(exported) ? exported['default'] : exported
  return isRecord(outer) && outer['__esModule'] === true && 'default' in outer ? outer['default'] : outer
}

function optionsOf(exported: unknown): OptionGroups | undefined {
  if (!isRecord(exported)) return undefined
  // Of an instance that is the service itself, `options` is a field of its own.
  const direct = exported['options'] ?? (typeof exported['default'] === 'function' && isRecord(exported['default']) ? exported['default']['options'] : undefined)
  return isRecord(direct) ? direct as OptionGroups : undefined
}

function checked(made: unknown, file: string): Service {
  if (isService(made)) return made
  throw new CodedError('SERVICE_INVALID', `Cannot run "${file}" as what its default export makes has no method "start": ${typeof made}`)
}

function isService(value: unknown): value is Service {
  return typeof value === 'object' && value !== null && 'start' in value && typeof value.start === 'function'
}

/** An ES module as `import` gives it: without a default export it is a script, whatever else it exports. */
function isNamespace(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object Module]'
}

/** Objects and functions: an express app is a function with methods. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
