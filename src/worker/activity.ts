/** So many of those that have ended are remembered. */
const REMEMBERED = 64

/** What this worker does under a name: timers' calls and tracked tasks. For the question what ran when the event loop was late. */
export class Activity {
  readonly #active = new Set<{ readonly name: string }>()
  readonly #ended: { readonly name: string; readonly at: number }[] = []

  /** `name` begins to run; the function that is given back is called when it has ended. */
  begin(name: string): () => void {
    const active = { name }
    this.#active.add(active)
    return () => {
      if (!this.#active.delete(active)) return
      this.#ended.push({ name, at: performance.now() })
      if (this.#ended.length > REMEMBERED) this.#ended.shift()
    }
  }

  /** What ran at some moment since `since`, in `performance.now()` ms; each once. */
  since(since: number): string[] {
    const ended = this.#ended.filter(({ at }) => at >= since)
    return [...new Set([...this.#active, ...ended].map(({ name }) => name))]
  }
}
