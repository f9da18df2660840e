// "bare": the least that can be called a supervisor. What one pays for node:cluster itself.
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'

let stopping = false

cluster.setupPrimary({ exec: fileURLToPath(new URL('program.mjs', import.meta.url)) })
cluster.on('exit', () => {
  if (!stopping) cluster.fork()
})
process.on('SIGTERM', () => {
  stopping = true
  for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM')
})

for (let n = 0; n < Number(process.env.BENCH_WORKERS); n++) cluster.fork()
