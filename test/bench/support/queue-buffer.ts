import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { BoundedQueue } from '#src/queue/index.js'
import { ThreadPool } from '#src/tpool/index.js'
import { benchEnvironment } from './environment.js'
import { contenderFile } from './paths.js'

/** From the first message, in ms. */
export interface Reception {
  readonly lastReadMs: number
  readonly doneMs: number
}

interface BlockModule {
  block(ms: number): number
}

const MESSAGES = 500
const MESSAGE_BYTES = 64
const SENDING_MS = 100
const WORK_MS = 5
const THREADS = 4

/** The fault: the receiver does the work of each message before it reads the next. */
export async function receiveInline(): Promise<Reception> {
  const { block } = await import(pathToFileURL(contenderFile('tpool-work.mjs')).href) as BlockModule
  let lastReadAt = 0
  const startedAt = await receive(() => {
    lastReadAt = performance.now()
    block(WORK_MS)
  })
  return { lastReadMs: lastReadAt - startedAt, doneMs: performance.now() - startedAt }
}

/** The receiver only receives; four threads work off a queue. */
export async function receiveIntoQueue(): Promise<Reception> {
  await using pool = new ThreadPool({ threads: THREADS })
  const { block } = await pool.proxy<BlockModule>(pathToFileURL(contenderFile('tpool-work.mjs')))
  await Promise.all(Array.from({ length: THREADS }, () => block(WORK_MS)))
  const queue = new BoundedQueue<number>({ capacity: MESSAGES })
  const consumers = Array.from({ length: THREADS }, async () => {
    for await (const ms of queue) await block(ms)
  })
  let lastReadAt = 0
  const startedAt = await receive(() => {
    lastReadAt = performance.now()
    if (!queue.tryPut(WORK_MS)) throw new Error('Cannot keep a message as the queue is full')
  })
  queue.close()
  await Promise.all(consumers)
  return { lastReadMs: lastReadAt - startedAt, doneMs: performance.now() - startedAt }
}

/** Calls `onMessage` for each message of another process; resolves after the last with the time of the first. */
async function receive(onMessage: () => void): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sender = fork(fileURLToPath(import.meta.url), [SEND, String(port)], { env: benchEnvironment() })
  const [socket] = (await once(server, 'connection')) as [Socket]
  server.close()
  let bytes = 0
  let seen = 0
  let startedAt = 0
  socket.on('data', (chunk: Buffer) => {
    startedAt ||= performance.now()
    bytes += chunk.length
    for (; seen < Math.floor(bytes / MESSAGE_BYTES); seen++) onMessage()
  })
  await Promise.all([once(socket, 'close'), once(sender, 'exit')])
  if (seen !== MESSAGES) throw new Error(`Cannot measure a receiver as it must see ${MESSAGES} messages: ${seen}`)
  return startedAt
}

const SEND = 'send-messages'
if (process.argv[2] === SEND) await send(Number(process.argv[3]))

/** By the clock, in `SENDING_MS`. */
async function send(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const message = Buffer.alloc(MESSAGE_BYTES)
  const start = performance.now()
  for (let sent = 0; sent < MESSAGES; await delay(1)) {
    const due = Math.min(MESSAGES, Math.ceil(((performance.now() - start) * MESSAGES) / SENDING_MS))
    for (; sent < due; sent++) socket.write(message)
  }
  socket.end()
  process.disconnect?.()
}
