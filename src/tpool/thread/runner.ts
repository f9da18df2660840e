import type { MessagePort } from 'node:worker_threads'
import { isCodedError } from '../../base/errors.js'
import { start } from '../claim.js'
import { encodeError } from '../error-codec.js'
import { ANSWER, CALL, CALL_FIELDS, MARK, type Answer, type Batch, type CallKind, type Control, type ModuleDefinition, type Notice, type Pulled } from '../messages.js'
import { pull, type AnyIterator } from './iterators.js'
import { LoadedModule, type AnyFunction } from './modules.js'
import { dispose as giveBack, Objects } from './objects.js'
import { encodeResult, refusedResult, type Keeper } from './results.js'

/** What a call gave, and by the rules of which module it is sent. */
interface Outcome {
  readonly value: unknown
  readonly module: LoadedModule
}

type CallFields = readonly [kind: CallKind, target: number, name: string, args: unknown[], marks: readonly number[] | undefined]

type Callable = Readonly<Record<string | symbol, unknown>>

/**
 * Runs the calls of one thread, one at a time, in the order in which they came.
 * Each is answered as soon as it is done: the next one may block.
 */
export class Runner implements Keeper {
  readonly #port: MessagePort
  readonly #claim: Int32Array
  readonly #objects = new Objects()
  readonly #definitions = new Map<number, ModuleDefinition>()
  readonly #loaded = new Map<number, LoadedModule>()
  readonly #inbox: unknown[] = []
  #at = 0
  #isBusy = false
  #closing = false

  constructor(port: MessagePort, claim: Int32Array) {
    this.#port = port
    this.#claim = claim
  }

  receive(message: Batch | Control): void {
    if (Array.isArray(message)) this.#inbox.push(...message)
    else if ('define' in message) this.#definitions.set(message.define.id, message.define)
    else if ('drop' in message) this.#objects.drop(message.drop, message.times)
    else this.#closing = true
    if (!this.#isBusy) this.#runAll()
  }

  keepObject(object: object, module: LoadedModule): unknown {
    return this.#objects.keep(object, module)
  }

  keepIterator(iterator: AnyIterator, module: LoadedModule): number {
    return this.#objects.keep(iterator, module).id
  }

  /** Until there are no more, or one is not done at once. */
  #runAll(): void {
    const inbox = this.#inbox
    while (this.#at < inbox.length) {
      const at = this.#at
      this.#at += CALL_FIELDS
      if (start(this.#claim, inbox[at] as number) && this.#run(at)) return
    }
    inbox.length = 0
    this.#at = 0
    if (this.#closing) void this.#close()
  }

  /** True when the call goes on; the others follow it. */
  #run(at: number): boolean {
    const began = performance.now()
    const call = this.#inbox.slice(at + 1, at + CALL_FIELDS) as unknown as CallFields
    const [kind, target] = call
    try {
      const module = kind <= CALL.value ? this.#loaded.get(target) : this.#objects.get(target).module
      if (!module) {
        this.#finish(this.#load(target).then(async (loaded) => ({ value: await this.#call(call, loaded), module: loaded })), began)
        return true
      }
      const value = this.#call(call, module)
      if (isPromise(value)) this.#finish(value.then((done) => ({ value: done, module })), began)
      else this.#answer({ value, module }, began)
      return isPromise(value)
    } catch (error) {
      this.#answerError(error, began)
      return false
    }
  }

  #finish(outcome: Promise<Outcome>, began: number): void {
    this.#isBusy = true
    const next = (): void => {
      this.#isBusy = false
      this.#runAll()
    }
    void outcome.then((done) => this.#answer(done, began), (error: unknown) => this.#answerError(error, began)).then(next)
  }

  async #load(id: number): Promise<LoadedModule> {
    const definition = this.#definitions.get(id)
    if (!definition) throw new Error(`module ${id} was not defined`)
    const loaded = new LoadedModule(definition, await import(definition.url) as Readonly<Record<string, unknown>>)
    this.#loaded.set(id, loaded)
    return loaded
  }

  #call([kind, target, name, sent, marks]: CallFields, module: LoadedModule): unknown {
    const args = marks ? restore(sent, marks, this.#objects) : sent
    switch (kind) {
      case CALL.run: return module.functionAt(name)(...args)
      case CALL.construct: return new (module.classAt(name))(...args)
      case CALL.describe: return module.describe()
      case CALL.value: return module.value(name)
      default: return this.#callObject([kind, target, name], args)
    }
  }

  #callObject([kind, target, name]: readonly [CallKind, number, string], args: unknown[]): unknown {
    const { object } = this.#objects.get(target)
    const own = object as Callable
    switch (kind) {
      case CALL.method: return (own[name] as AnyFunction).apply(object, args)
      case CALL.property: return own[name]
      case CALL.iterate: return (own[Symbol.asyncIterator] as AnyFunction | undefined ?? own[Symbol.iterator] as AnyFunction).call(object)
      case CALL.pull: return this.#pull(target, object as AnyIterator, args[0] as number)
      case CALL.finish: return finished((this.#objects.forget(target)?.object as AnyIterator).return?.())
      default: return finished(giveBack(this.#objects.forget(target)))
    }
  }

  /** An iterator that has ended, or has thrown, is forgotten. */
  async #pull(id: number, iterator: AnyIterator, limit: number): Promise<Pulled> {
    const { module } = this.#objects.get(id)
    try {
      const { items, done } = await pull(iterator, limit)
      if (done) this.#objects.forget(id)
      return { items: items.map((item) => encodeResult(item, module, this).result), done }
    } catch (error) {
      this.#objects.forget(id)
      throw error
    }
  }

  #answer({ value, module }: Outcome, began: number): void {
    const runMs = performance.now() - began
    try {
      const { result: [kind, payload], transfer } = encodeResult(value, module, this)
      this.#send([kind, payload, runMs], transfer)
    } catch (error) {
      this.#answerError(isCodedError(error) ? error : refusedResult(value, error), began)
    }
  }

  #answerError(error: unknown, began: number): void {
    this.#send([ANSWER.error, encodeError(error), performance.now() - began], [])
  }

  #send(answer: Answer, transfer: readonly ArrayBuffer[]): void {
    this.#port.postMessage(answer, transfer)
  }

  /** Gives back what the caller's side has left, the newest first. What one of them throws must not keep the others. */
  async #close(): Promise<void> {
    this.#isBusy = true
    for (const id of this.#objects.all) {
      const kept = this.#objects.forget(id)
      try {
        await giveBack(kept)
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error))
      }
    }
    this.#port.postMessage('closed' satisfies Notice)
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** What a disposal returns is of no use to the caller, and may be nothing that can be sent. */
function finished(result: unknown): unknown {
  return isPromise(result) ? result.then(() => undefined) : undefined
}

/** The arguments as they were given. */
function restore(args: unknown[], marks: readonly number[], objects: Objects): unknown[] {
  const restored = [...args]
  for (let at = 0; at < marks.length; at += 2) {
    const index = marks[at] ?? 0
    const value = args[index]
    restored[index] = marks[at + 1] === MARK.object ? objects.get(value as number).object : asBuffer(value as Uint8Array)
  }
  return restored
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
