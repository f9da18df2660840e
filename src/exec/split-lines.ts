const NEWLINE = 0x0a
const EMPTY = Buffer.alloc(0)

/** Lines as bytes, without their newline. The last one needs none; after the last newline there is no empty line. */
export async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let begun: Buffer[] = []
  for await (const chunk of chunks) {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      const rest = chunk.subarray(from, to)
      yield begun.length === 0 ? rest : Buffer.concat([...begun, rest])
      begun = []
      from = to + 1
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
  }
  if (begun.length > 0) yield begun.length === 1 ? begun[0] ?? EMPTY : Buffer.concat(begun)
}
