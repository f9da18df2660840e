// How a process that wants to lead talks with the benchmark: lines in a FIFO, each in one write, and a socket on which any connection asks it to resign.
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'

/** `event`: campaigning, leader or resigning. The time is CLOCK_MONOTONIC, which all processes share. */
export function reportLeader(event) {
  const at = process.hrtime.bigint()
  const fifo = openSync(process.env.BENCH_LEADERS, constants.O_WRONLY | constants.O_NONBLOCK)
  writeSync(fifo, `${event} ${process.pid} ${at}\n`)
  closeSync(fifo)
}

/** Gives a function whose promise resolves at the next request to resign. */
export function hearResign() {
  let resolve = () => {}
  const server = createServer((socket) => {
    socket.destroy()
    resolve()
  })
  // Exclusive: node:cluster would let the workers share it.
  server.listen({ path: join(dirname(process.env.BENCH_LEADERS), `resign-${process.pid}`), exclusive: true })
  server.unref()
  return () => new Promise((resolved) => { resolve = resolved })
}
