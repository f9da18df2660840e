/**
 * Who has a call that was handed to a thread ahead of its turn.
 *
 * A thread that has shown to be quick is given several calls at once. When one of
 * them turns out slow, those behind it must go to another thread, and none may run
 * twice. A message cannot take them back, for a blocked thread reads none. So the
 * two share one 32-bit word a thread: the number of the next call that the thread
 * may start. Calls are numbered in the order in which they are handed over.
 *
 * - The thread starts call n by moving the word from n to n + 1.
 * - The pool takes back all that has not started by moving the word past the last.
 *
 * Whoever comes first wins; the other sees it. Rejected: a word a call (needs slots
 * that are given back), and a lock (the loop would have to wait for it).
 */
export function newClaim(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
}

/** The number after `number`; after 2^31 - 1 comes -2^31. */
export function following(number: number): number {
  return (number + 1) | 0
}

/** The thread's side: true when it may run the call, false when that was taken back. */
export function start(claim: Int32Array, number: number): boolean {
  return Atomics.compareExchange(claim, 0, number, following(number)) === number
}

/** The pool's side: takes back each call below `end` that has not started, and gives the number of the first; `end` when there is none. */
export function takeBack(claim: Int32Array, end: number): number {
  for (;;) {
    const next = Atomics.load(claim, 0)
    if (next === end || Atomics.compareExchange(claim, 0, next, end) === next) return next
  }
}
