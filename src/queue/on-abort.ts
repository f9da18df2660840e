/** What is to be called when a signal aborts; one listener a signal. */
interface Hook {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

const hooks = new WeakMap<AbortSignal, Hook>()

/**
 * Calls `callback` when `signal` aborts, unless what it gives back is called first.
 *
 * All callbacks of a signal share one listener: an `EventTarget` walks the list of
 * its listeners at each addition, so that 10,000 who wait with one signal would cost
 * 50 million steps. The listener goes with the last callback: nothing is left behind.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const hook = hooks.get(signal) ?? listen(signal)
  hook.callbacks.add(callback)
  return () => {
    if (!hook.callbacks.delete(callback) || hook.callbacks.size > 0) return
    hooks.delete(signal)
    signal.removeEventListener('abort', hook.listener)
  }
}

function listen(signal: AbortSignal): Hook {
  const callbacks = new Set<() => void>()
  const listener = (): void => {
    hooks.delete(signal)
    const called = [...callbacks]
    callbacks.clear()
    for (const callback of called) callback()
  }
  const hook = { callbacks, listener }
  hooks.set(signal, hook)
  signal.addEventListener('abort', listener, { once: true })
  return hook
}

/** As `promise`, but rejects with the signal's reason as soon as it aborts; what becomes of the promise then is of no interest. */
export function untilAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = signal.aborted ? reject(signal.reason as Error) : onAbort(signal, () => reject(signal.reason as Error))
    promise.then(resolve, reject).finally(() => stop?.())
  })
}

/** True when `error` is what `signal`, aborted, asked for: its reason, or the AbortError that Node wraps it in. */
export function isAbortOf({ aborted, reason }: AbortSignal, error: unknown): boolean {
  return aborted && (error === reason || (error instanceof Error && error.name === 'AbortError' && error.cause === reason))
}
