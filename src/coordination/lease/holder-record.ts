/** What the store writes itself in front of a holder's record. */
const RESERVED = ['expires', 'fence', 'weight', 'delay', 'since'] as const

/**
 * The text in which a holder tells operators of itself.
 *
 * @throws RangeError for a reserved field, TypeError for what JSON cannot say.
 */
export function recordText(record: Readonly<Record<string, unknown>>): string {
  const reserved = RESERVED.find((field) => Object.hasOwn(record, field))
  if (reserved) throw new RangeError(`Cannot use "${reserved}" in the record of a holder as the store writes that field: ${RESERVED.join(', ')}`)
  try {
    return JSON.stringify(record)
  } catch (error) {
    throw new TypeError('Cannot use the record of a holder as it is JSON', { cause: error })
  }
}
