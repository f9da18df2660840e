import { CodedError } from '#src/base/errors.js'
import type { CoordinationStore } from '#src/coordination/store.js'

/** A store with a wire in front of it that a test cuts and mends, and on which it counts what passes. */
export interface Wire {
  readonly store: CoordinationStore
  /** Names and arguments of the calls so far, answered or not. */
  readonly calls: readonly WireCall[]
  /** How many calls of that name were made. */
  count(name: keyof CoordinationStore): number
  /** From now on: `asked`: calls reject unasked; `answered`: they take effect, and reject. Messages are lost. */
  cut(where?: 'asked' | 'answered', code?: string): void
  /** Tells the gap. */
  mend(): void
  /** Forgets the calls. */
  clear(): void
}

export interface WireCall {
  readonly name: string
  readonly args: readonly unknown[]
}

export function wire(target: CoordinationStore): Wire {
  const calls: WireCall[] = []
  const gaps = new Set<() => void>()
  let broken: { readonly where: 'asked' | 'answered'; readonly code: string } | undefined

  const ask = async (name: string, args: readonly unknown[]): Promise<unknown> => {
    calls.push({ name, args })
    const refusal = broken && new CodedError(broken.code, `Cannot ${name} as the wire is cut`)
    if (refusal && broken?.where === 'asked') throw refusal
    const answer: unknown = await (Reflect.get(target, name) as (...args: readonly unknown[]) => unknown).apply(target, [...args])
    if (refusal) throw refusal
    return answer
  }
  const special: Readonly<Record<string, unknown>> = {
    features: target.features,
    onGap: (listener: () => void) => {
      gaps.add(listener)
      return () => gaps.delete(listener)
    },
    onWake: target.onWake.bind(target),
    subscribe: (topic: string, listener: () => void) => ask('subscribe', [topic, () => { if (!broken) listener() }]),
  }
  return {
    store: new Proxy(target, { get: (_, name: string) => special[name] ?? ((...args: readonly unknown[]) => ask(name, args)) }),
    calls,
    count: (name) => calls.filter((call) => call.name === name).length,
    cut: (where = 'asked', code = 'COORDINATION_UNAVAILABLE') => { broken = { where, code } },
    mend: () => {
      broken = undefined
      for (const listener of gaps) listener()
    },
    clear: () => void calls.splice(0),
  }
}
