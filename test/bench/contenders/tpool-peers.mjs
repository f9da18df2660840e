// Thread pools, as they are by default but for the number of threads, behind one interface:
// `open(threads)` gives `{ noop(), echo(value), close() }`.
import { Worker } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { Tinypool } from 'tinypool'
import workerpool from 'workerpool'

const work = new URL('./tpool-work.mjs', import.meta.url).href

export const openers = {
  piscina: (threads) => runner(new Piscina({ filename: work, minThreads: threads, maxThreads: threads })),
  tinypool: (threads) => runner(new Tinypool({ filename: work, minThreads: threads, maxThreads: threads })),
  workerpool: (threads) => {
    const pool = workerpool.pool(fileURLToPath(new URL('./tpool-workerpool.mjs', import.meta.url)), { minWorkers: threads, maxWorkers: threads, workerType: 'thread' })
    return { noop: () => pool.exec('noop'), echo: (value) => pool.exec('echo', [value]), close: () => pool.terminate() }
  },
  /** Threads in turns, answers in order: no queue, no errors, no abort, no choice of a function. */
  'raw postMessage': (threads) => {
    const all = Array.from({ length: threads }, () => new RawThread())
    let turn = 0
    const call = (value) => all[turn++ % threads].call(value)
    return { noop: call, echo: call, close: () => Promise.all(all.map((thread) => thread.close())) }
  },
}

function runner(pool) {
  return { noop: () => pool.run(undefined, { name: 'noop' }), echo: (value) => pool.run(value, { name: 'echo' }), close: () => pool.destroy() }
}

class RawThread {
  #worker = new Worker(new URL('./tpool-raw.mjs', import.meta.url))
  #waiting = []

  constructor() {
    this.#worker.on('message', (value) => this.#waiting.shift()(value))
  }

  call(value) {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#worker.postMessage(value)
    })
  }

  close() {
    return this.#worker.terminate()
  }
}
