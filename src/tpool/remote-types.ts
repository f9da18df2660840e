/**
 * The types of what runs in threads.
 *
 * A module's functions become functions of the same arguments that return
 * promises. Reading anything else of it, or of an object of it, is a call too: so
 * each property is a promise. Objects of the classes that the module exports, and
 * of `Others`, stay in their thread and are `RemoteObject`s here, as arguments and
 * as results. Iterables that are not plain data become async ones.
 *
 * Of an overloaded function only the last signature is seen: TypeScript gives no
 * other. A class matches by its shape: what has all public members of an exported
 * class is taken for an object of it.
 */
export type Remote<Module, Others = never> = {
  readonly [Name in keyof Module]: RemoteExport<Module[Name], Instances<Module> | Others>
}

export type RemoteExport<Export, Held> =
  Export extends AnyClass ? RemoteClass<Export, Held>
    : Export extends AnyFunction ? RemoteFunction<Export, Held>
      : Promise<Export>

/** `create()` constructs in a thread, unless the class has a static `create` of its own: that is called then. */
export type RemoteClass<Class extends AnyClass, Held> = {
  readonly [Name in Exclude<keyof Class, 'prototype'>]: RemoteExport<Class[Name], Held>
} & ('create' extends keyof Class ? unknown : {
  create(...args: RemoteArguments<Parameters<Create<Class>>, Held>): Promise<RemoteObject<InstanceType<Class>, Held>>
})

/** An object in a thread. Leaving the scope of `await using` disposes it there. */
export type RemoteObject<Instance, Held> = AsyncDisposable & {
  readonly [Name in keyof Instance & string]:
  Instance[Name] extends AnyFunction ? RemoteFunction<Instance[Name], Held> : Promise<RemoteResult<Awaited<Instance[Name]>, Held>>
} & (Instance extends AnyIterable<infer Item> ? AsyncIterable<RemoteResult<Item, Held>> : unknown)

export type RemoteFunction<Fn extends AnyFunction, Held> =
  (...args: RemoteArguments<Parameters<Fn>, Held>) => Promise<RemoteResult<Awaited<ReturnType<Fn>>, Held>>

export type RemoteArguments<Args extends readonly unknown[], Held> = { [Index in keyof Args]: RemoteArgument<Args[Index], Held> }

/** A callback cannot be sent: no argument of that type is accepted. */
type RemoteArgument<Arg, Held> = Arg extends AnyFunction ? never : IsHeld<Arg, Held> extends true ? RemoteObject<Arg, Held> : Arg

export type RemoteResult<Result, Held> =
  Result extends AnyFunction ? never
    : IsHeld<Result, Held> extends true ? RemoteObject<Result, Held>
      : Result extends Data ? Result
        : Result extends AnyIterable<infer Item> ? AsyncGenerator<RemoteResult<Item, Held>, void, void>
          : Result

type Instances<Module> = { [Name in keyof Module]: Module[Name] extends AnyClass ? InstanceType<Module[Name]> : never }[keyof Module]

type IsHeld<Value, Held> = [Held] extends [never] ? false : Value extends object ? Value extends Held ? true : false : false

/** What is copied although it can be iterated. */
type Data = string | readonly unknown[] | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | ArrayBufferView

type AnyIterable<Item> = Iterable<Item> | AsyncIterable<Item>
type AnyFunction = (...args: never[]) => unknown
type AnyClass = abstract new (...args: never[]) => object
type Create<Class extends AnyClass> = (...args: ConstructorParameters<Class>) => void
