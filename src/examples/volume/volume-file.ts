import type { FileHandle } from 'node:fs/promises'

/**
 * How a volume lies on the disk: the body as it came, then a footer of 48 bytes
 *
 *     magic "VOLUME1\n" (8) | size of the body, big-endian (8) | sha256 of the body (32)
 *
 * Body, size and digest are one file, so that one rename publishes all three and
 * a kill at any moment leaves the old ones or the new ones, never a mixture. At
 * the end, because the digest is known only then and a body that is streamed is
 * written once; offsets in the body are offsets in the file.
 *
 * Rejected: a sidecar file (two renames, and a kill between them leaves the
 * digest of another body), the digest in the file's name (to replace a volume
 * takes a rename and an unlink), extended attributes (lost by `cp`, missing on
 * some file systems), blobs by digest with pointers to them (right, but to
 * collect the garbage safely takes a lock over all workers).
 */
const MAGIC = Buffer.from('VOLUME1\n')
const SIZE_OFFSET = 8
const DIGEST_OFFSET = 16

export const FOOTER_BYTES = 48

/** Size and digest of a body. */
export interface Summary {
  readonly sizeBytes: number
  /** 64 hexadecimal digits, lower case. */
  readonly sha256: string
}

export function encodeFooter({ sizeBytes, sha256 }: Summary): Buffer {
  const footer = Buffer.alloc(FOOTER_BYTES)
  MAGIC.copy(footer)
  footer.writeBigUInt64BE(BigInt(sizeBytes), SIZE_OFFSET)
  footer.write(sha256, DIGEST_OFFSET, 'hex')
  return footer
}

/** Undefined unless `footer` is whole and agrees with the length of its file. */
export function decodeFooter(footer: Buffer, fileBytes: number): Summary | undefined {
  if (footer.length !== FOOTER_BYTES || !footer.subarray(0, SIZE_OFFSET).equals(MAGIC)) return undefined
  const sizeBytes = fileBytes - FOOTER_BYTES
  if (footer.readBigUInt64BE(SIZE_OFFSET) !== BigInt(sizeBytes)) return undefined
  return { sizeBytes, sha256: footer.toString('hex', DIGEST_OFFSET) }
}

/** The summary at the end of an open file of `fileBytes`; undefined when there is none that agrees with it. */
export async function readSummary(file: FileHandle, fileBytes: number): Promise<Summary | undefined> {
  if (fileBytes < FOOTER_BYTES) return undefined
  const { bytesRead, buffer } = await file.read(Buffer.alloc(FOOTER_BYTES), 0, FOOTER_BYTES, fileBytes - FOOTER_BYTES)
  return decodeFooter(buffer.subarray(0, bytesRead), fileBytes)
}
