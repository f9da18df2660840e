import type { Contender } from './contender.js'
import { Fleet, type FleetOptions } from './fleet.js'

/** One fleet of each contender, side by side. Leaving the scope stops them all. */
export class Fleets implements AsyncDisposable {
  readonly all: readonly Fleet[]

  constructor(all: readonly Fleet[]) {
    this.all = all
  }

  /** Starts one after the other. When one does not start, those before it are stopped. */
  static async start(contenders: readonly Contender[], options: FleetOptions): Promise<Fleets> {
    const started: Fleet[] = []
    try {
      for (const contender of contenders) started.push(await Fleet.start(contender, options))
    } catch (error) {
      await new Fleets(started)[Symbol.asyncDispose]()
      throw error
    }
    return new Fleets(started)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const fleet of this.all) await fleet[Symbol.asyncDispose]()
  }
}
