import { ThreadPoolError } from '../errors.js'
import type { ObjectDescription } from '../messages.js'
import type { LoadedModule } from './modules.js'

/** An object that stays here, with the module by whose rules. */
export interface Kept {
  readonly object: object
  readonly module: LoadedModule
  /** How many answers have named it. */
  times: number
}

/** The objects and iterators of this thread that the caller's side may hold. */
export class Objects {
  readonly #kept = new Map<number, Kept>()
  readonly #ids = new WeakMap<object, number>()
  #last = 0

  /** Describes `object` for an answer; the same number each time. */
  keep(object: object, module: LoadedModule): ObjectDescription {
    const id = this.#ids.get(object) ?? ++this.#last
    const kept = this.#kept.get(id) ?? { object, module, times: 0 }
    kept.times++
    this.#ids.set(object, id)
    this.#kept.set(id, kept)
    return { id, className: object.constructor.name, methods: methodsOf(object), iterable: Symbol.iterator in object || Symbol.asyncIterator in object }
  }

  /** @throws ThreadPoolError REMOTE_OBJECT_DISPOSED */
  get(id: number): Kept {
    const kept = this.#kept.get(id)
    if (!kept) throw new ThreadPoolError('REMOTE_OBJECT_DISPOSED', `Cannot use an object of a thread as it must not be disposed: ${id}`)
    return kept
  }

  forget(id: number): Kept | undefined {
    const kept = this.#kept.get(id)
    this.#kept.delete(id)
    if (kept) this.#ids.delete(kept.object)
    return kept
  }

  /** Unless an answer that names it is on its way. */
  drop(id: number, times: number): void {
    const kept = this.#kept.get(id)
    if (kept && kept.times <= times) this.forget(id)
  }

  /** The newest first. */
  get all(): readonly number[] {
    return [...this.#kept.keys()].reverse()
  }
}

/** Gives an object back by the method that the option names, or by the language's own; nothing to do for one that has none. */
export function dispose(kept: Kept | undefined): unknown {
  if (!kept) return undefined
  const { object, module } = kept
  const own = object as Partial<AsyncDisposable & Disposable> & Readonly<Record<string, unknown>>
  const named = module.definition.dispose === undefined ? undefined : own[module.definition.dispose]
  const method = typeof named === 'function' ? named : own[Symbol.asyncDispose] ?? own[Symbol.dispose]
  return method?.call(object) as unknown
}

const ofPrototypes = new WeakMap<object, readonly string[]>()

/** Those of its classes, and functions that are its own properties. */
function methodsOf(object: object): readonly string[] {
  const own = Object.entries(object).filter(([, value]) => typeof value === 'function').map(([name]) => name)
  return [...own, ...prototypeMethods(Object.getPrototypeOf(object) as object | null)]
}

function prototypeMethods(prototype: object | null): readonly string[] {
  if (!prototype || prototype === Object.prototype) return []
  const known = ofPrototypes.get(prototype)
  if (known) return known
  const own = Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor' && name !== 'then')
  const methods = [...new Set([...own.map(([name]) => name), ...prototypeMethods(Object.getPrototypeOf(prototype) as object | null)])]
  ofPrototypes.set(prototype, methods)
  return methods
}
