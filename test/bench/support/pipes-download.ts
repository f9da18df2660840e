import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { benchEnvironment } from './environment.js'

/** What the serving process says of itself. */
export interface DownloadSide {
  /** Highest resident memory, above that before the downloads. */
  readonly grownBytes: number
  readonly latestBeatMs: number
  /** Without its children. */
  readonly cpuMs: number
}

export interface Download extends DownloadSide {
  /** Of all clients together. */
  readonly bytesPerSecond: number
}

export interface DownloadPlan {
  readonly sender: string
  readonly file: string
  readonly clients: number
  /** Fetched once before, for what is loaded when it is first used. */
  readonly warmUpFile: string
}

const SERVER = fileURLToPath(new URL('pipes-server.js', import.meta.url))
const RECEIVE_BYTES = 2 ** 18

/** A server of its own, whose memory is its own, and so many clients of this process at once. */
export async function download({ sender, file, clients, warmUpFile }: DownloadPlan): Promise<Download> {
  const server = fork(SERVER, [sender], { env: benchEnvironment() })
  const answer = async (): Promise<unknown> => ((await once(server, 'message')) as unknown[])[0]
  try {
    const port = await answer() as number
    await fetchBytes(port, warmUpFile)
    server.send('begin')
    await answer()
    const start = performance.now()
    const received = await Promise.all(Array.from({ length: clients }, () => fetchBytes(port, file)))
    const bytes = received.reduce((sum, each) => sum + each, 0)
    const bytesPerSecond = (bytes / (performance.now() - start)) * 1_000
    server.send('report')
    return { bytesPerSecond, ...await answer() as DownloadSide }
  } finally {
    server.disconnect()
    await once(server, 'exit')
  }
}

/** As little of a client as possible: it shares the machine with what is measured. */
async function fetchBytes(port: number, file: string): Promise<number> {
  let bytes = 0
  const buffer = Buffer.alloc(RECEIVE_BYTES)
  const onread = { buffer, callback: (size: number): boolean => { bytes += size; return true } }
  const socket = connect({ port, host: '127.0.0.1', onread })
  socket.write(`GET /${encodeURIComponent(file)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  await once(socket, 'close')
  return bytes
}
