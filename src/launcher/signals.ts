import { closeSync, openSync } from 'node:fs'

/** The signals that a launcher answers. */
export const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU', 'SIGWINCH'] as const

export type LauncherSignal = (typeof SIGNALS)[number]

/** Listens for the launcher's signals; `send` must only take note. Gives the function that ends it. */
export function listenForSignals(send: (signal: LauncherSignal) => void): () => void {
  const handlers = SIGNALS.map((signal) => [signal, () => send(signal)] as const)
  for (const [signal, handler] of handlers) process.on(signal, handler)
  return () => { for (const [signal, handler] of handlers) process.off(signal, handler) }
}

/** Two INTs within this many ms are one: a terminal sends it to the group, and npm once more. */
const DOUBLE_MS = 500

/** Tells a second INT from an echo of the first. */
export class InterruptCounter {
  #first: number | undefined

  /** What this INT at `now` means: the first one is graceful, a later one is not. */
  press(now: number): 'first' | 'echo' | 'again' {
    if (this.#first === undefined) {
      this.#first = now
      return 'first'
    }
    return now - this.#first < DOUBLE_MS ? 'echo' : 'again'
  }
}

/** True while this process has a terminal that controls it. */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
