// A program that knows of no supervisor: a bare node process, node:cluster, throng, pm2 and Reeve's script mode run it as it is.
import { createApp, reportReady } from './app.mjs'

createApp().listen(Number(process.env.BENCH_PORT), '127.0.0.1', reportReady)
