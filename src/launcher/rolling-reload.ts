import { stepReload, type ReloadEvent, type ReloadState, type SlotKey } from './reload-state.js'

/** What a reload came to. */
export interface ReloadOutcome {
  readonly ok: boolean
  /** The generation that the launcher has now. */
  readonly generation: number
  readonly error?: string
}

export interface ReloadPorts {
  /**
   * Reads the configuration anew and gives the slots to replace, in their order;
   * or says why nothing is changed.
   */
  begin(): readonly SlotKey[] | { readonly error: string }
  /** Starts a second process for the slot; false: there is no such slot any more. */
  startSuccessor(slot: SlotKey): boolean
  /** Why the last process could not boot. */
  lastFailure(): string
  finished(ok: boolean, error: string | undefined): ReloadOutcome
}

/** Performs what reload-state.ts decides, and tells those who wait how it ended. */
export class RollingReload {
  state: ReloadState = { name: 'idle' }
  readonly #ports: ReloadPorts
  /** Who waits for the reload that runs, and for the one after it. */
  #waiting: Waiter[] = []
  #waitingForNext: Waiter[] = []

  constructor(ports: ReloadPorts) {
    this.#ports = ports
  }

  /** `done` is called at the end of a reload that began after this request. */
  request(done: Waiter): void {
    if (this.state.name === 'idle') {
      this.#waiting.push(done)
      this.#begin()
    } else {
      this.#waitingForNext.push(done)
      this.advance({ type: 'requested', slots: [] })
    }
  }

  advance(event: ReloadEvent): void {
    const { state, effects } = stepReload(this.state, event)
    this.state = state
    for (const effect of effects) {
      if (effect.do === 'start successor') {
        if (!this.#ports.startSuccessor(effect.slot)) this.advance({ type: 'slot gone', slot: effect.slot })
      } else {
        this.#finish(effect.ok, effect.ok ? undefined : this.#ports.lastFailure())
        if (effect.again) this.#begin()
      }
    }
  }

  /** The launcher stops: there is no reload any more. */
  cancel(reason: string): void {
    const ran = this.state.name !== 'idle'
    this.state = { name: 'idle' }
    this.#waiting.push(...this.#waitingForNext.splice(0))
    if (ran) this.#finish(false, reason)
  }

  #begin(): void {
    const slots = this.#ports.begin()
    if ('error' in slots) this.#finish(false, slots.error)
    else this.advance({ type: 'requested', slots })
  }

  #finish(ok: boolean, error: string | undefined): void {
    const outcome = this.#ports.finished(ok, error)
    const told = this.#waiting
    this.#waiting = this.#waitingForNext
    this.#waitingForNext = []
    for (const done of told) done(outcome)
  }
}

type Waiter = (outcome: ReloadOutcome) => void
