import type { ExportDescription, ModuleDefinition } from '../messages.js'

export type AnyFunction = (...args: unknown[]) => unknown
export type AnyClass = new (...args: unknown[]) => object

/** A module that was loaded in this thread, as the calls need it. */
export class LoadedModule {
  readonly definition: ModuleDefinition
  readonly #exports: Readonly<Record<string, unknown>>
  readonly #classes: readonly AnyClass[]
  readonly #functions = new Map<string, AnyFunction>()

  constructor(definition: ModuleDefinition, exports: Readonly<Record<string, unknown>>) {
    this.definition = definition
    this.#exports = exports
    this.#classes = Object.values(exports).filter(isClass)
  }

  describe(): readonly ExportDescription[] {
    return Object.entries(this.#exports).filter(([name]) => name !== 'then').map(([name, value]) => {
      if (isClass(value)) return { kind: 'class', name, ...staticsOf(value) }
      return { kind: typeof value === 'function' ? 'function' : 'value', name }
    })
  }

  /** `clone`, or a static method: `Image.open`, bound to its class. */
  functionAt(path: string): AnyFunction {
    const known = this.#functions.get(path)
    if (known) return known
    const [first = '', second] = path.split('.')
    const value = this.value(path) as AnyFunction
    const found: AnyFunction = second === undefined ? value : (...args) => value.apply(this.#exports[first], args)
    this.#functions.set(path, found)
    return found
  }

  classAt(name: string): AnyClass {
    return this.#exports[name] as AnyClass
  }

  /** An export, or a static property of an exported class. */
  value(path: string): unknown {
    const [first = '', second] = path.split('.')
    const exported = this.#exports[first]
    return second === undefined ? exported : (exported as Readonly<Record<string, unknown>>)[second]
  }

  /** Whether `value` stays in this thread. */
  keeps(value: object): boolean {
    if (value instanceof Error) return false
    return this.#classes.some((each) => value instanceof each) || this.definition.remote.length > 0 && classNames(value).some((name) => this.definition.remote.includes(name))
  }
}

function isClass(value: unknown): value is AnyClass {
  if (typeof value !== 'function') return false
  if (/^class\b/.test(Function.prototype.toString.call(value))) return true
  const prototype = value.prototype as object | undefined
  // What was a class before it was compiled to a function.
  return prototype !== undefined && Object.getOwnPropertyNames(prototype).length > 1
}

const NOT_STATIC: ReadonlySet<string> = new Set(['length', 'name', 'prototype', 'arguments', 'caller'])

function staticsOf(from: AnyClass): { statics: string[]; values: string[] } {
  const statics: string[] = []
  const values: string[] = []
  for (let each: unknown = from; typeof each === 'function' && each !== Function.prototype; each = Object.getPrototypeOf(each) as unknown) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(each) as Readonly<Record<string, PropertyDescriptor>>)) {
      if (NOT_STATIC.has(name) || statics.includes(name) || values.includes(name)) continue
      if (typeof property.value === 'function') statics.push(name)
      else values.push(name)
    }
  }
  return { statics, values }
}

function classNames(value: object): string[] {
  const names: string[] = []
  for (let each = Object.getPrototypeOf(value) as object | null; each && each !== Object.prototype; each = Object.getPrototypeOf(each) as object | null) names.push(each.constructor.name)
  return names
}
