import { disposedObject } from './arguments.js'
import { handleStateOf, setHandleState, type HandleState } from './handle.js'
import type { Home } from './home.js'
import type { Link } from './link.js'
import { CALL, type CallKind, type ObjectDescription } from './messages.js'
import type { CallOptions } from './options.js'

/**
 * Handles of objects that stay in their threads.
 *
 * The methods that the thread told of are functions of a prototype, one for all
 * objects of a shape. Behind it stands a proxy for all other names: reading one is
 * a call, for a class may set a property at any time and nobody here would know.
 * `then` is not read, or each handle would be taken for a promise.
 */
export function remoteObject(link: Link, description: ObjectDescription, home: Home): object {
  const known = home.handles.get(description.id)
  const living = known?.handle.deref()
  if (known && living) {
    known.times++
    return living
  }
  const handle = Object.create(prototypeFor(link, description)) as object
  const label = `${link.name}.${description.className}`
  setHandleState(handle, { home, id: description.id, label, options: {}, life: { disposed: undefined } })
  const entry = { handle: new WeakRef(handle), times: 1 + (known?.times ?? 0) }
  home.handles.set(description.id, entry)
  if (!known) home.load++
  unheld.register(handle, { home, id: description.id })
  return handle
}

/** The same object with other options for its calls; undefined for what is no handle. */
export function objectWithOptions(handle: object, options: CallOptions): object | undefined {
  const state = handleStateOf(handle)
  if (!state) return undefined
  const other = Object.create(Object.getPrototypeOf(handle) as object) as object
  setHandleState(other, { ...state, options: { ...state.options, ...options } })
  holders.set(other, handle)
  return other
}

/** The first handle must live as long as the others do. */
const holders = new WeakMap<object, object>()

/** A handle that nobody holds: its object is dropped in the thread, without being disposed. */
const unheld = new FinalizationRegistry<{ readonly home: Home; readonly id: number }>(({ home, id }) => {
  const known = home.handles.get(id)
  if (!known || known.handle.deref() || home.lost !== undefined) return
  home.handles.delete(id)
  home.load--
  home.drop(id, known.times)
})

const prototypes = new WeakMap<Link, Map<string, object>>()

function prototypeFor(link: Link, { className, methods, iterable }: ObjectDescription): object {
  const ofLink = prototypes.get(link) ?? new Map<string, object>()
  prototypes.set(link, ofLink)
  const key = [className, iterable, ...methods].join()
  const prototype = ofLink.get(key) ?? newPrototype(link, className, { methods, iterable })
  ofLink.set(key, prototype)
  return prototype
}

function newPrototype(link: Link, className: string, { methods, iterable }: Pick<ObjectDescription, 'methods' | 'iterable'>): object {
  const prototype = Object.create(propertiesBehind(link, className)) as object
  const define = (key: string | symbol, value: unknown): void => void Object.defineProperty(prototype, key, { value, configurable: true, writable: true })
  for (const name of methods) {
    const member = memberOf(link, CALL.method, className, name)
    define(name, function (this: object, ...args: unknown[]) {
      return member(this, args)
    })
  }
  if (iterable) {
    const iterate = memberOf(link, CALL.iterate, className, '(iterate)')
    define(Symbol.asyncIterator, async function* (this: object) {
      yield* await iterate(this, []) as AsyncIterable<unknown>
    })
  }
  define(Symbol.asyncDispose, function (this: object) {
    return dispose(link, className, this)
  })
  define(Symbol.toStringTag, `Remote ${className}`)
  return prototype
}

/** Where names are looked for that are no methods. */
function propertiesBehind(link: Link, className: string): object {
  const members = new Map<string, Member>()
  return new Proxy(Object.create(null) as object, {
    get(_target, name, receiver: object) {
      if (typeof name === 'symbol' || name === 'then' || name === 'toJSON' || name === 'constructor' || !handleStateOf(receiver)) return undefined
      const member = members.get(name) ?? memberOf(link, CALL.property, className, name)
      members.set(name, member)
      return member(receiver, [])
    },
    set(_target, name) {
      throw new TypeError(`Cannot set "${className}.${String(name)}" as properties of an object in a thread are read only here`)
    },
  })
}

type Member = (handle: object, args: readonly unknown[]) => Promise<unknown>

function memberOf(link: Link, kind: CallKind, className: string, name: string): Member {
  const statistics = link.statisticsOf(`${className}.${name}`)
  return (handle, args) => {
    const state = stateOf(handle, statistics.label)
    if (state.life.disposed) return Promise.reject(disposedObject(statistics.label, state.label))
    return link.call({ kind, target: state.id, name, statistics, owner: state.home }, args, state.options)
  }
}

/** Once; later calls get the first one's promise. An object whose thread has ended is disposed already. */
function dispose(link: Link, className: string, handle: object): Promise<void> {
  const { home, id, life } = stateOf(handle, `${link.name}.${className}`)
  const statistics = link.statisticsOf(`${className}.(dispose)`)
  life.disposed ??= (async () => {
    if (home.lost !== undefined) return
    try {
      await link.call({ kind: CALL.dispose, target: id, name: '', statistics, owner: home }, [], {})
    } finally {
      if (home.handles.delete(id)) home.load--
    }
  })()
  return life.disposed
}

function stateOf(handle: object, label: string): HandleState {
  const state = handleStateOf(handle)
  if (!state) throw new TypeError(`Cannot call "${label}" as it is called on an object of a thread: ${typeof handle}`)
  return state
}
