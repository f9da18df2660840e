/**
 * A process that answers GET with what `cat FILE` writes, in the way its first
 * argument names; tells its parent the port, and, when asked, how it went.
 */
import { spawn } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'
import { statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { stream } from '#src/exec/index.js'
import { Beat } from './blocking-beat.js'
import type { DownloadSide } from './pipes-download.js'

const BEAT_MS = 50
const RSS_MS = 20

const senders: Readonly<Record<string, (file: string, response: ServerResponse) => unknown>> = {
  spawn: (file, response) => spawn('cat', [file], { stdio: ['ignore', 'pipe', 'ignore'] }).stdout.pipe(response),
  reeve: (file, response) => stream('cat', [file]).pipeTo(response),
  'reeve 64 KiB': (file, response) => stream('cat', [file], { readBytes: 2 ** 16 }).pipeTo(response),
  'reeve 1 KiB': (file, response) => stream('cat', [file], { readBytes: 2 ** 10 }).pipeTo(response),
}

const send = senders[process.argv[2] ?? '']
if (!send) throw new Error(`Cannot serve as there is no such sender: ${process.argv[2]}`)

let baseBytes = 0
let highestBytes = 0
let beat: Beat | undefined
let cpu = process.cpuUsage()

const server = createServer((request, response) => {
  const file = decodeURIComponent(request.url?.slice(1) ?? '')
  response.setHeader('Content-Length', statSync(file).size)
  send(file, response)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))

process.on('disconnect', () => process.exit())
process.on('message', (request) => void (request === 'begin' ? begin() : report()))

function begin(): void {
  baseBytes = highestBytes = process.memoryUsage.rss()
  beat = new Beat(BEAT_MS)
  cpu = process.cpuUsage()
  setInterval(() => { highestBytes = Math.max(highestBytes, process.memoryUsage.rss()) }, RSS_MS)
  process.send?.('begun')
}

async function report(): Promise<void> {
  const { user, system } = process.cpuUsage(cpu)
  const lateness = await beat?.stop() ?? []
  const side: DownloadSide = { grownBytes: highestBytes - baseBytes, latestBeatMs: Math.max(...lateness), cpuMs: (user + system) / 1_000 }
  process.send?.(side)
}
