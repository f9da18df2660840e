import { isObject } from '../record.js'

/**
 * What follows the fixed fields of a holder's record: `{"host":"a"}` → `,"host":"a"}`, `{}` → `}`.
 *
 * @throws SyntaxError when it does not look like the output of JSON.stringify and is not JSON
 */
export function recordTail(record: string): string {
  if (record.startsWith('{"')) return ',' + record.slice(1)
  const value: unknown = JSON.parse(record)
  const plain = JSON.stringify(isObject(value) ? value : {})
  return plain === '{}' ? '}' : ',' + plain.slice(1)
}
