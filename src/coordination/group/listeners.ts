/**
 * Those who want to be told. One that throws keeps nobody else from hearing:
 * its error goes to the process, as an uncaught exception.
 */
export class Listeners<Args extends readonly unknown[]> {
  readonly #listeners = new Set<(...args: Args) => void>()

  /** The returned function takes it away again. */
  add(listener: (...args: Args) => void): () => void {
    const own = (...args: Args): void => listener(...args)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  tell(...args: Args): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(...args)
      } catch (error) {
        queueMicrotask(() => { throw error })
      }
    }
  }
}
