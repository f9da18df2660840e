import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** ms of CLOCK_MONOTONIC, with fractions: one clock for all processes of this host, whatever happens to the wall clock. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000
}

/** What one process saw, a line each, in a file of its own. A line is written at once: it survives a SIGKILL in the next instant. */
export class HistoryWriter<Event extends object> {
  readonly #file: string
  readonly #process: string

  constructor(folder: string, name: string) {
    this.#file = join(folder, `${name}.jsonl`)
    this.#process = name
  }

  write(event: Event): void {
    appendFileSync(this.#file, `${JSON.stringify({ process: this.#process, ...event })}\n`)
  }
}

/** What all processes of a folder saw, each in its order. */
export function readHistory<Event extends object>(folder: string): (Event & { readonly process: string })[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl')).sort()
  return files.flatMap((name) => {
    const lines = readFileSync(join(folder, name), 'utf8').split('\n')
    // Who is killed while it writes leaves half a line.
    lines.pop()
    return lines.map((line) => JSON.parse(line) as Event & { readonly process: string })
  })
}
