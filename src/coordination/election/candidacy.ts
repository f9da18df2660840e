import { recordText } from '../lease/holder-record.js'

/**
 * What a candidate's lease carries: what the process tells of itself, and the value.
 *
 * @throws TypeError for a value that JSON cannot say; undefined is none.
 */
export function candidacyText(about: Readonly<Record<string, unknown>>, value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError(`Cannot campaign with that value as it is JSON: ${typeof value}`)
  return recordText({ ...about, value })
}
