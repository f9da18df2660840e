import { encodeJson } from './encode.js'
import { isError, valueOf } from './fields.js'

/** `name`, `message` and `stack` are written apart; the rest of an error are its facts. */
const TOLD_APART: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'errors'])

/** The longest chain of causes that is followed: only a chain without end is longer. */
const MAX_CAUSES = 20

/** What an error knows beside its name, message and stack: `code`, `details`, `errno`, `path` … */
export function factsOf(error: Error): Record<string, unknown> {
  const facts: Record<string, unknown> = {}
  for (const name of Object.keys(error)) {
    const value = TOLD_APART.has(name) ? undefined : valueOf(error, name)
    if (value !== undefined) facts[name] = value
  }
  return facts
}

/**
 * The stacks of an error and of its causes, and of the errors that an
 * `AggregateError` holds, each with its facts: lines joined by `\n`.
 */
export function stackWithCauses(error: Error): string {
  return stackLines(error, MAX_CAUSES).join('\n')
}

function stackLines(error: unknown, causesLeft: number): string[] {
  if (!isError(error)) return [encodeJson(error)]
  const stack = valueOf(error, 'stack')
  const facts = factsOf(error)
  const lines = typeof stack === 'string' ? stack.split('\n') : [encodeJson(valueOf(error, 'message'))]
  if (Object.keys(facts).length > 0) lines.push(`    ${encodeJson(facts)}`)
  for (const [title, reason] of reasonsOf(error)) {
    if (causesLeft === 0) return [...lines, `${title}: …`]
    const [first = '', ...rest] = stackLines(reason, causesLeft - 1)
    lines.push(`${title}: ${first}`, ...rest)
  }
  return lines
}

/** What made this error: its parts, if it has some, and its cause. */
function reasonsOf(error: Error): readonly (readonly [string, unknown])[] {
  const cause = valueOf(error, 'cause')
  const parts = valueOf(error, 'errors')
  const partTitles = Array.isArray(parts) ? parts.map((part: unknown, i) => [`Error ${i + 1} of ${parts.length}`, part] as const) : []
  return cause === undefined ? partTitles : [...partTitles, ['Caused by', cause]]
}
