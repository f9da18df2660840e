import type { CoordinationStatus, LauncherStatus, WorkerStatus } from '../admin/status.js'
import { renderAge, renderTable, type Column } from './table.js'

/** The status as people read it. */
export function renderStatus(status: LauncherStatus): string {
  const { name, pid, state, generation, workersReady, workersWanted, sockets, coordination } = status
  const head = `${name} (pid ${pid}) is ${state}: ${workersReady}/${workersWanted} workers ready, generation ${generation}`
  const kept = coordination ? [`coordination ${coordination.url}: ${howItIs(coordination)}`, ...coordination.warnings.map((warning) => `  ${warning}`)] : []
  return [head, ...sockets.map((socket) => `socket ${socket.name}: ${socket.url}`), ...kept, '', renderWorkers(status)].join('\n')
}

function howItIs({ connected, quarantinedMs }: CoordinationStatus): string {
  if (!connected) return 'not connected'
  return quarantinedMs > 0 ? `grants nothing for ${renderAge(quarantinedMs)} more, as it may have forgotten leases` : 'connected'
}

export function renderWorkers({ workers }: LauncherStatus): string {
  return renderTable(COLUMNS, workers)
}

const COLUMNS: readonly Column<WorkerStatus>[] = [
  ['SERVICE', ({ service }) => service],
  ['WORKER', ({ workerId }) => String(workerId)],
  ['PID', ({ pid }) => String(pid ?? '-')],
  ['GEN', ({ generation }) => String(generation)],
  ['STATE', ({ state }) => state],
  ['SINCE', ({ sinceMs }) => renderAge(sinceMs)],
  ['RESTARTS', ({ restarts }) => String(restarts)],
  ['LAST EXIT', ({ lastExit }) => lastExit === null ? '-' : `${lastExit.signal ?? `code ${lastExit.code}`} ${lastExit.at}`],
  ['RSS', ({ rssBytes }) => rssBytes === null ? '-' : `${(rssBytes / 2 ** 20).toFixed(1)} MiB`],
  ['LOOP DELAY', ({ loopDelayMs }) => loopDelayMs === null ? '-' : `${loopDelayMs} ms`],
  ['LAST BEAT', ({ lastBeatMs }) => lastBeatMs === null ? '-' : renderAge(lastBeatMs)],
]
