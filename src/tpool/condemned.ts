/**
 * Threads that were told to end and have not: a native call holds them, and
 * nothing but the end of the process can take it from them. Node waits for each
 * of its threads when it exits, `process.exit()` too; so while one is left, the
 * only exit that cannot hang is a SIGKILL to oneself, after all else is done.
 *
 * One register a process, whatever the number of copies of this module.
 */
const KEY = Symbol.for('reeve.tpool.condemned')

/** How many threads of this process, of all pools, are condemned now. */
export function condemnedThreads(): number {
  return register().size
}

/** Counts the thread until the function that this returns is called. */
export function condemn(): () => void {
  const entry = Symbol('condemned')
  register().add(entry)
  return () => void register().delete(entry)
}

function register(): Set<symbol> {
  const holder = globalThis as { [KEY]?: Set<symbol> }
  return holder[KEY] ??= new Set()
}
