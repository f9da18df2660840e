import type { Home } from './home.js'
import type { CallOptions } from './options.js'

/** What is known of an object in a thread by whoever holds its handle. */
export interface HandleState {
  readonly home: Home
  readonly id: number
  /** `rbd.Image`, for messages. */
  readonly label: string
  /** Of calls through this handle. */
  readonly options: CallOptions
  /** Shared by the handles of one object. */
  readonly life: HandleLife
}

export interface HandleLife {
  /** Set by the first disposal. */
  disposed: Promise<void> | undefined
}

const states = new WeakMap<object, HandleState>()

export function setHandleState(handle: object, state: HandleState): void {
  states.set(handle, state)
}

/** Undefined for what is no handle. */
export function handleStateOf(value: object): HandleState | undefined {
  return states.get(value)
}
