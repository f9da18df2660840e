import { encodeArguments } from './arguments.js'
import { FunctionStatistics } from './function-statistics.js'
import type { Home } from './home.js'
import type { CallKind, EncodedResult, ModuleDefinition } from './messages.js'
import type { CallOptions } from './options.js'
import type { Scheduler } from './scheduler.js'

/** What to call. */
export interface Callee {
  readonly kind: CallKind
  readonly target: number
  readonly name: string
  readonly statistics: FunctionStatistics
  /** The thread of the object whose method it is. */
  readonly owner?: Home
}

/** Makes what the caller gets of an answer that is more than a value. */
export type Revive = (link: Link, result: EncodedResult, from: AnswerSource) => unknown

export interface AnswerSource {
  readonly home: Home
  /** Of the call that was answered. */
  readonly options: CallOptions
}

export interface LinkOptions {
  readonly scheduler: Scheduler
  readonly module: ModuleDefinition
  /** Of the module, for messages and statistics. */
  readonly name: string
  /** Of the pool's functions, by their labels. */
  readonly statistics: Map<string, FunctionStatistics>
  readonly revive: Revive
}

/** One module in the threads of one pool: all calls of it, and of its objects, go through here. */
export class Link {
  readonly module: ModuleDefinition
  readonly name: string
  readonly #options: LinkOptions

  constructor(options: LinkOptions) {
    this.module = options.module
    this.name = options.name
    this.#options = options
  }

  /** Of `clone`, `Image.create`, … */
  statisticsOf(member: string): FunctionStatistics {
    const label = `${this.name}.${member}`
    const known = this.#options.statistics.get(label)
    if (known) return known
    const statistics = new FunctionStatistics(label)
    this.#options.statistics.set(label, statistics)
    return statistics
  }

  call(callee: Callee, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    const { kind, target, name, statistics } = callee
    try {
      const { owner, marks, args: encoded } = encodeArguments(statistics.label, args, callee.owner, options.transfer)
      return this.#options.scheduler.invoke({ kind, target, name, args: encoded, marks, owner, module: this.module, statistics, options, revive: this.revive })
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  readonly revive = (result: EncodedResult, home: Home, options: CallOptions): unknown => this.#options.revive(this, result, { home, options })
}
