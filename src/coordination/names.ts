/** Names of locks, elections, groups, members and services: any text of 1 to 512 bytes of UTF-8 without control characters. */
export const MAX_NAME_BYTES = 512

/** How long a resource may be kept closed. */
export const MAX_LOCK_DELAY_MS = 3_600_000

/** @throws RangeError, TypeError */
export function checkName(what: string, name: string): void {
  if (typeof name !== 'string') throw new TypeError(`Cannot use the name of a ${what} as it is text: ${typeof name}`)
  const sizeBytes = Buffer.byteLength(name)
  if (sizeBytes === 0 || sizeBytes > MAX_NAME_BYTES) throw new RangeError(`Cannot use "${name.slice(0, 40)}" as the name of a ${what} has 1 to ${MAX_NAME_BYTES} bytes: ${sizeBytes}`)
  if (/[\u0000-\u001f\u007f]/.test(name)) throw new RangeError(`Cannot use ${JSON.stringify(name)} as the name of a ${what} has no control characters`)
}

/** `h1/volume/0#4242.a3f9.17` → `h1/volume/0`: the member whose request this is. */
export function memberOf(id: string): string {
  const end = id.lastIndexOf('#')
  return end < 0 ? id : id.slice(0, end)
}
