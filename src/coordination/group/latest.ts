/**
 * A value that changes, for readers who want the newest one, not each one.
 * A slow reader costs no memory: what it did not fetch in time is replaced.
 */
export class Latest<Value> {
  #current: { readonly value: Value; readonly serial: number } | undefined
  #failure: { readonly error: unknown } | undefined
  #closed = false
  readonly #waiting = new Set<() => void>()

  /** Undefined before the first. */
  get value(): Value | undefined {
    return this.#current?.value
  }

  set(value: Value): void {
    this.#current = { value, serial: (this.#current?.serial ?? 0) + 1 }
    this.#failure = undefined
    this.#wakeAll()
  }

  /** Says why there is no new value. Only `first()` cares, and only while there is none at all. */
  fail(error: unknown): void {
    this.#failure = { error }
    this.#wakeAll()
  }

  /** Ends every reader. */
  close(): void {
    this.#closed = true
    this.#wakeAll()
  }

  /** The value now, or as soon as there is one; undefined when closed before that. @throws what `fail` was told. */
  async first(): Promise<Value | undefined> {
    for (;;) {
      if (this.#current) return this.#current.value
      if (this.#failure) throw this.#failure.error
      if (this.#closed) return undefined
      await this.#change()
    }
  }

  /** The value now, then the newest whenever there is a new one. Ends with the signal, or when closed. */
  async *values(signal?: AbortSignal): AsyncGenerator<Value, void, undefined> {
    let seen = 0
    while (!this.#closed && !signal?.aborted) {
      if (this.#current && this.#current.serial > seen) {
        seen = this.#current.serial
        yield this.#current.value
      } else {
        await this.#change(signal)
      }
    }
  }

  /** Resolves at the next change, or when the signal aborts. */
  #change(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal?.addEventListener('abort', wake)
    })
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}
