type JsonObject = Readonly<Record<string, unknown>>

/** The text of a JSON object, read; `{}` when it is none. */
export function parseRecord(text: string): JsonObject {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return {}
  }
}

/**
 * What follows the fixed fields of a holder's record: `{"host":"a"}` → `,"host":"a"}`, `{}` → `}`.
 *
 * @throws SyntaxError when it does not look like the output of JSON.stringify and is not JSON
 */
export function recordTail(record: string): string {
  if (record.startsWith('{"')) return ',' + record.slice(1)
  const plain = JSON.stringify(objectOf(JSON.parse(record)))
  return plain === '{}' ? '}' : ',' + plain.slice(1)
}

function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as JsonObject : {}
}
