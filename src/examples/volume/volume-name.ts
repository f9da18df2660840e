import { volumeError } from './errors.js'

/** What the common file systems take for one name, in bytes of UTF-8. */
const MAX_NAME_BYTES = 255

/**
 * The volume's name in a path segment as it came over the wire.
 *
 * A name is the name of a file too, so that what `ls` shows is what there is.
 * It is 1 to 255 bytes of UTF-8 in Unicode's form NFC (two spellings of "é" would
 * be two volumes that look alike, and one file on macOS), without slashes,
 * control and formatting characters or blanks at its ends. A leading dot belongs
 * to the store's own files; with it go `.` and `..`.
 * What is not promised: on a file system that ignores case, `a` and `A` are one volume.
 *
 * @throws CodedError VOLUME_NAME_INVALID
 */
export function parseVolumeName(segment: string): string {
  const name = decode(segment)
  if (name === undefined) throw nameInvalid(segment, 'it must be UTF-8, percent-encoded: another encoding')
  return checkVolumeName(name, segment)
}

/** The name itself; `shown` is how a message writes it. @throws CodedError VOLUME_NAME_INVALID */
export function checkVolumeName(name: string, shown = JSON.stringify(name).slice(1, -1)): string {
  const fault = faultOf(name)
  if (fault !== undefined) throw nameInvalid(shown, fault)
  return name
}

/** True for what `parseVolumeName` can give. */
export function isVolumeName(name: string): boolean {
  return faultOf(name) === undefined
}

/** The rule that `name` breaks and the value it breaks it with; undefined for a good name. */
function faultOf(name: string): string | undefined {
  const sizeBytes = Buffer.byteLength(name)
  if (name === '') return 'it must not be empty: 0 bytes'
  if (sizeBytes > MAX_NAME_BYTES) return `it must have at most ${MAX_NAME_BYTES} bytes: ${sizeBytes} bytes`
  if (name.startsWith('.')) return 'it must not begin with a dot: .'
  if (/[/\\]/.test(name)) return 'it must not contain a slash or a backslash: one of them'
  const hidden = /[\p{C}\p{Zl}\p{Zp}]/u.exec(name)?.[0]
  if (hidden !== undefined) return `it must not contain control or formatting characters: U+${hexOf(hidden)}`
  if (name !== name.trim()) return 'it must not begin or end with a blank: one of them'
  if (name !== name.normalize('NFC')) return 'it must be in Unicode normalisation form NFC: another form'
  return undefined
}

function nameInvalid(shown: string, fault: string): Error {
  return volumeError('VOLUME_NAME_INVALID', `Cannot use "${shown}" as the name of a volume as ${fault}`)
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

function hexOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
}
