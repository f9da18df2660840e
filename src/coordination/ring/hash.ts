const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/**
 * MurmurHash3 (x86, 32 bits) of a text's UTF-16 code units, low byte first: 0…2^32-1.
 *
 * The same in every process, on every machine, in every version: who owns what hangs
 * on it. Fast, since the units are read where they are, two a round, and nothing is
 * encoded; not against somebody who chooses texts that collide.
 *
 * @see Austin Appleby, SMHasher, MurmurHash3_x86_32
 */
export function hashText(text: string, seed: number): number {
  let hash = seed
  const paired = text.length & ~1
  for (let index = 0; index < paired; index += 2) {
    hash ^= scramble(text.charCodeAt(index) | text.charCodeAt(index + 1) << 16)
    hash = Math.imul(hash << 13 | hash >>> 19, 5) + 0xe6546b64 | 0
  }
  if (paired < text.length) hash ^= scramble(text.charCodeAt(paired))
  return finalise(hash ^ text.length * 2)
}

function scramble(block: number): number {
  const spread = Math.imul(block, C1)
  return Math.imul(spread << 15 | spread >>> 17, C2)
}

/** Lets every bit of the hash depend on every bit. */
function finalise(hash: number): number {
  const once = Math.imul(hash ^ hash >>> 16, 0x85ebca6b)
  const twice = Math.imul(once ^ once >>> 13, 0xc2b2ae35)
  return (twice ^ twice >>> 16) >>> 0
}
