const MASK = '***'
const NAME = '(?:password|passwd|passphrase|secret|token|credentials?|api[_-]?key|auth[_-]?key|access[_-]?key|private[_-]?key)'
const QUOTED = `"[^"]*"|'[^']*'`

// What may be before a name is never searched forwards: in a long text that would take the square of its length.
/** Names whose values are secrets: `--db-password`, `AUTH_TOKEN`, `apiKey`. */
const SECRET_FLAG = new RegExp(`^--?[\\w-]*${NAME}$`, 'i')
const ASSIGNED = new RegExp(`(${NAME}["']?\\s*[=:]\\s*)(${QUOTED}|[^\\s,;&"']+)`, 'gi')
const FLAG_AND_VALUE = new RegExp(`(${NAME}(?<=(?:^|\\s)--?[\\w-]{0,80})\\s+)(${QUOTED}|[^\\s-]\\S*)`, 'gi')
const AUTHORIZATION = /(authorization\s*[=:]\s*(?:basic|bearer|digest|token)\s+)[^\s"',]+/gi
/** `scheme://user:password@host`. A password may hold an @: the last one before the path ends it. */
const USERINFO = /(:\/\/[^\s/:@]*:)[^\s/]+@/gi

/**
 * The text with `***` for each of `secrets`, and for what looks like one: the value
 * of a name such as *password* or *token*, a password in a URL, a header's
 * authorization. A help against leaks in logs, and no promise: what looks like
 * nothing must be named in `secrets`.
 */
export function maskText(text: string, secrets: readonly string[]): string {
  return maskShapes(maskKnown(text, secrets)).replace(FLAG_AND_VALUE, `$1${MASK}`)
}

/** Each word masked; the one after a flag such as `--password` wholly. */
export function maskWords(words: readonly string[], secrets: readonly string[]): readonly string[] {
  return words.map((word, index) => SECRET_FLAG.test(words[index - 1] ?? '') && index > 1 ? MASK : maskShapes(maskKnown(word, secrets)))
}

/** Longest first: one secret may hold another. */
function maskKnown(text: string, secrets: readonly string[]): string {
  return [...secrets].filter((secret) => secret !== '').sort((a, b) => b.length - a.length)
    .reduce((masked, secret) => masked.replaceAll(secret, MASK), text)
}

function maskShapes(text: string): string {
  return text.replace(AUTHORIZATION, `$1${MASK}`).replace(USERINFO, `$1${MASK}@`).replace(ASSIGNED, `$1${MASK}`)
}
