// throng as its readme has it: the same file is the primary and, run again, the worker.
import throng from 'throng'

throng({ count: Number(process.env.BENCH_WORKERS), worker: () => import('./program.mjs') })
