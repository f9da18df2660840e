import type { PeriodicTaskContext, PeriodicTaskFunction, PeriodicTaskOptions } from './periodic-options.js'

/** A decorated method of an object, bound to it. */
export interface DecoratedTask {
  readonly name: string
  readonly options: PeriodicTaskOptions
  readonly fn: PeriodicTaskFunction
}

type TaskMethod<This> = (this: This, signal: AbortSignal, context: PeriodicTaskContext) => unknown

/** By the object that has the methods, then by method. Weak: a decorator keeps nothing alive. */
const decorated = new WeakMap<object, Map<string | symbol, DecoratedTask>>()

/**
 * Marks a method as a periodic task, which `PeriodicTasks.add(object)` then finds. A
 * standard (TC39) decorator.
 *
 * ```ts
 * class Manager {
 *   @periodicTask({ spacingMs: 30_000, runOn: 'leader' })
 *   async reapOrphans(signal: AbortSignal, { fence }: PeriodicTaskContext) { … }
 * }
 * ```
 *
 * Methods of parents count, too. One that overrides a decorated method is run in its
 * place; its own decorator, if it has one, is the one that counts.
 */
export function periodicTask(options: PeriodicTaskOptions = {}) {
  return <This>(_method: TaskMethod<This>, context: ClassMethodDecoratorContext<This, TaskMethod<This>>): void => {
    const { name, access } = context
    context.addInitializer(function () {
      const object = this as This & object
      const tasks = decorated.get(object) ?? new Map<string | symbol, DecoratedTask>()
      const fn: PeriodicTaskFunction = (signal, taskContext) => access.get(object).call(object, signal, taskContext)
      // The initializers of parents run first: the last word is the most derived class's.
      tasks.set(name, { name: options.name ?? String(name), options, fn })
      decorated.set(object, tasks)
    })
  }
}

/** The decorated methods of `object`, those of parents first. */
export function decoratedTasks(object: object): readonly DecoratedTask[] {
  return [...decorated.get(object)?.values() ?? []]
}
