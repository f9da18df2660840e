/**
 * Splits as a shell would: blanks part words, quotes and backslashes join them.
 * Nothing is expanded.
 *
 * @throws RangeError for a quote that is not closed, or a backslash with nothing after it
 * @see POSIX.1-2017, Shell Command Language, 2.2 Quoting
 */
export function splitShellWords(text: string): readonly string[] {
  const words: string[] = []
  const token = /\s+|'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([^\s'"\\]+)|([^])/g
  let word: string | undefined
  for (const [all, single, double, escaped, plain, odd] of text.matchAll(token)) {
    if (odd !== undefined) throw new RangeError(`Cannot split "${text}" into words as its quotes must be closed: ${odd}`)
    const part = single ?? double?.replace(/\\([$`"\\\n])/g, '$1') ?? escaped ?? plain
    if (part !== undefined) word = (word ?? '') + part
    else if (all.trim() === '' && word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  return word === undefined ? words : [...words, word]
}

/** As one would type it, for people to read. */
export function joinShellWords(words: readonly string[]): string {
  return words.map((word) => /^[\w@%+=:,./*-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`).join(' ')
}
