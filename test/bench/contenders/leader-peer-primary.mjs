// A primary that forks two candidates again whenever one has died.
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'

let stopping = false

cluster.setupPrimary({ exec: fileURLToPath(new URL('leader-peer.mjs', import.meta.url)) })
cluster.on('exit', () => {
  if (!stopping) cluster.fork()
})
process.on('SIGTERM', () => {
  stopping = true
  for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM')
})

for (let n = 0; n < Number(process.env.BENCH_WORKERS); n++) cluster.fork()
