// The rolling reload that most people write first: fork, wait for the port, disconnect the old one.
import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const KILL_AFTER_MS = 5_000

cluster.setupPrimary({ exec: fileURLToPath(new URL('program.mjs', import.meta.url)) })
process.on('SIGHUP', reload)
process.on('SIGTERM', () => {
  for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM')
})

for (let n = 0; n < Number(process.env.BENCH_WORKERS); n++) cluster.fork()

async function reload() {
  for (const old of Object.values(cluster.workers)) {
    await once(cluster.fork(), 'listening')
    old.disconnect()
    setTimeout(() => old.process.kill('SIGKILL'), KILL_AFTER_MS).unref()
  }
}
