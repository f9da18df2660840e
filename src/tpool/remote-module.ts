import { ThreadPoolError } from './errors.js'
import type { Link } from './link.js'
import { CALL, type CallKind, type ExportDescription } from './messages.js'
import { checkCallOptions, type CallOptions } from './options.js'
import { objectWithOptions } from './remote-object.js'

/** Exported functions that run in the caller's own thread, by their names. */
export type InlineFunctions = ReadonlyMap<string, (...args: unknown[]) => unknown>

/** What `proxy()` gives: a plain object with an entry an export, so that it can be taken apart like the module itself. */
export function remoteModule(link: Link, exports: readonly ExportDescription[], inline: InlineFunctions, options: CallOptions = {}): object {
  const surface = Object.create(null) as object
  for (const description of exports) {
    const own = inline.get(description.name)
    if (own) define(surface, description.name, async (...args: unknown[]) => own(...args))
    else if (description.kind === 'class') define(surface, description.name, remoteClass(link, description, options))
    else if (description.kind === 'function') define(surface, description.name, member(link, CALL.run, description.name, options))
    else defineValue(surface, description.name, member(link, CALL.value, description.name, options))
  }
  rebuilders.set(surface, (more) => remoteModule(link, exports, inline, { ...options, ...more }))
  return Object.freeze(surface)
}

function remoteClass(link: Link, description: ExportDescription & { kind: 'class' }, options: CallOptions): object {
  const { name, statics, values } = description
  const surface = Object.create(null) as object
  const construct = member(link, CALL.construct, name, options)
  define(surface, 'create', construct)
  for (const each of statics) define(surface, each, member(link, CALL.run, `${name}.${each}`, options))
  for (const each of values) defineValue(surface, each, member(link, CALL.value, `${name}.${each}`, options))
  rebuilders.set(surface, (more) => remoteClass(link, description, { ...options, ...more }))
  return Object.freeze(surface)
}

/**
 * The same module, class or object with other options for its calls:
 *
 * ```ts
 * await withOptions(rbd, { signal, timeoutMs: 5_000, priority: 1 }).clone(a, b)
 * ```
 *
 * Options that are not named stay as they were. Those of a module or a class do
 * not pass on to the objects that they give.
 *
 * @throws RangeError; TypeError when `remote` does not come from a pool
 */
export function withOptions<T extends object>(remote: T, options: CallOptions): T {
  checkCallOptions(options)
  const other = rebuilders.get(remote)?.(options) ?? objectWithOptions(remote, options)
  if (!other) throw new TypeError('Cannot use options for the calls of an object as it must come from a thread pool')
  return other as T
}

const rebuilders = new WeakMap<object, (options: CallOptions) => object>()

/** @throws ThreadPoolError EXPORT_NOT_FOUND */
export function inlineFunctions(name: string, module: Readonly<Record<string, unknown>>, inline: readonly string[]): InlineFunctions {
  return new Map(inline.map((each) => {
    const exported = module[each]
    if (typeof exported === 'function') return [each, exported as (...args: unknown[]) => unknown]
    throw new ThreadPoolError('EXPORT_NOT_FOUND', `Cannot run "${name}.${each}" inline as it is an exported function: ${typeof exported}`)
  }))
}

function member(link: Link, kind: CallKind, name: string, options: CallOptions): (...args: unknown[]) => Promise<unknown> {
  const statistics = link.statisticsOf(kind === CALL.construct ? `${name}.create` : name)
  const callee = { kind, target: link.module.id, name, statistics }
  return (...args) => link.call(callee, args, options)
}

function define(surface: object, key: string, value: unknown): void {
  Object.defineProperty(surface, key, { value, enumerable: true, configurable: true })
}

function defineValue(surface: object, key: string, get: () => Promise<unknown>): void {
  Object.defineProperty(surface, key, { get: () => get(), enumerable: true, configurable: true })
}
