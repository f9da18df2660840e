/**
 * A signal that aborts with the first of several, and lets go of them when its scope
 * ends. `AbortSignal.any` leaves that to the collector, and on early Node 20 a
 * long-lived source keeps what was made of it.
 */
export class LinkedAbort implements Disposable {
  readonly #controller = new AbortController()
  readonly #links: readonly (readonly [source: AbortSignal, follow: () => void])[]

  constructor(sources: readonly (AbortSignal | undefined)[]) {
    this.#links = sources.flatMap((source) => source ? [[source, () => this.abort(source.reason)] as const] : [])
    for (const [source, follow] of this.#links) {
      if (source.aborted) follow()
      else source.addEventListener('abort', follow, { once: true })
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }

  [Symbol.dispose](): void {
    for (const [source, follow] of this.#links) source.removeEventListener('abort', follow)
  }
}

/** Resolves when `signal` aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }) })
}
