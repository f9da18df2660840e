import type { LauncherStatus, WorkerStatus } from '../admin/status.js'

/** The status as people read it. */
export function renderStatus(status: LauncherStatus): string {
  const { name, pid, state, generation, workersReady, workersWanted, sockets } = status
  const head = `${name} (pid ${pid}) is ${state}: ${workersReady}/${workersWanted} workers ready, generation ${generation}`
  return [head, ...sockets.map((socket) => `socket ${socket.name}: ${socket.url}`), '', renderWorkers(status)].join('\n')
}

export function renderWorkers({ workers }: LauncherStatus): string {
  const rows = workers.map((worker) => COLUMNS.map(([, cell]) => cell(worker)))
  return renderTable([COLUMNS.map(([title]) => title), ...rows])
}

const COLUMNS: readonly (readonly [string, (worker: WorkerStatus) => string])[] = [
  ['SERVICE', ({ service }) => service],
  ['WORKER', ({ workerId }) => String(workerId)],
  ['PID', ({ pid }) => String(pid ?? '-')],
  ['GEN', ({ generation }) => String(generation)],
  ['STATE', ({ state }) => state],
  ['SINCE', ({ sinceMs }) => seconds(sinceMs)],
  ['RESTARTS', ({ restarts }) => String(restarts)],
  ['LAST EXIT', ({ lastExit }) => lastExit === null ? '-' : `${lastExit.signal ?? `code ${lastExit.code}`} ${lastExit.at}`],
  ['RSS', ({ rssBytes }) => rssBytes === null ? '-' : `${(rssBytes / 2 ** 20).toFixed(1)} MiB`],
  ['LOOP DELAY', ({ loopDelayMs }) => loopDelayMs === null ? '-' : `${loopDelayMs} ms`],
  ['LAST BEAT', ({ lastBeatMs }) => lastBeatMs === null ? '-' : seconds(lastBeatMs)],
]

function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`).join('')
}

/** `0.4 s`, `12 s`, `3m05s`, `2h07m`, `5d03h`. */
function seconds(ms: number): string {
  const total = Math.floor(ms / 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  if (total < 60) return `${total} s`
  if (total < 3_600) return `${Math.floor(total / 60)}m${two(total % 60)}s`
  if (total < 86_400) return `${Math.floor(total / 3_600)}h${two(Math.floor(total / 60) % 60)}m`
  return `${Math.floor(total / 86_400)}d${two(Math.floor(total / 3_600) % 24)}h`
}
