import { workerData } from 'node:worker_threads'
import { encodeError } from '../error-codec.js'
import type { Batch, Control, Notice, ThreadStart } from '../messages.js'
import { Runner } from './runner.js'

/** What a thread of a pool runs: `init` first, then calls until the pool ends it. */
async function main({ port, claim, init }: ThreadStart): Promise<void> {
  const tell = (notice: Notice): void => port.postMessage(notice)
  try {
    if (init) await (await import(init.module) as { init(data: unknown): unknown }).init(init.data)
  } catch (error) {
    tell({ failed: encodeError(error) })
    port.close()
    return
  }
  const runner = new Runner(port, claim)
  port.on('message', (message: Batch | Control) => runner.receive(message))
  tell('ready')
}

await main(workerData as ThreadStart)
