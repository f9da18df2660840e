// The tiny server that every contender runs, and how it reports that it is ready.
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'

export function createApp() {
  const server = createServer((request, response) => response.end('ok\n'))
  if (process.env.BENCH_KEEP_ALIVE_MS) server.keepAliveTimeout = Number(process.env.BENCH_KEEP_ALIVE_MS)
  return server
}

/** Writes this pid into the benchmark's FIFO, in one call that neither waits nor needs an event loop. */
export function reportReady() {
  const fifo = openSync(process.env.BENCH_READY, constants.O_WRONLY | constants.O_NONBLOCK)
  writeSync(fifo, `${process.pid}\n`)
  closeSync(fifo)
}
