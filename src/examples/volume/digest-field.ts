/**
 * The HTTP fields `Content-Digest` and `Repr-Digest`: `sha-256=:BASE64:`, with
 * other algorithms beside it, which are passed over. @see RFC 9530
 */

const SHA256_MEMBER = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]*={0,2}):\s*(?:[,;]|$)/
const SHA256_BYTES = 32

/** The sha256 that a field names, in hexadecimal; undefined when it names none; null when what it names cannot be one. */
export function parseDigestField(value: string): string | null | undefined {
  const base64 = SHA256_MEMBER.exec(value)?.[1]
  if (base64 === undefined) return value.includes('sha-256') ? null : undefined
  const digest = Buffer.from(base64, 'base64')
  return digest.length === SHA256_BYTES ? digest.toString('hex') : null
}

/** The field's value for a sha256 in hexadecimal. */
export function formatDigestField(sha256: string): string {
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
}
