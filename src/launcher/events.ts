import type { LauncherStatus } from '../admin/status.js'
import type { KillReason } from './child-state.js'

/**
 * Everything that the launcher tells, named once, as data. The log line's text
 * is derived from it; the fields go with it.
 */
export type LauncherEvent =
  | { readonly event: 'launcher.listening'; readonly socket: string; readonly url: string }
  | { readonly event: 'launcher.ready'; readonly workers: number; readonly control: string | null }
  | { readonly event: 'launcher.signal'; readonly signal: NodeJS.Signals }
  | { readonly event: 'launcher.stopping'; readonly reason: string }
  | { readonly event: 'launcher.stopped'; readonly exitCode: number; readonly reason: string }
  | { readonly event: 'launcher.report'; readonly status: LauncherStatus }
  | { readonly event: 'launcher.starved'; readonly ms: number }
  | { readonly event: 'launcher.config_rejected'; readonly error: string }
  | { readonly event: 'launcher.config_kept'; readonly keys: readonly string[] }
  | { readonly event: 'launcher.notify_failed'; readonly error: string }
  | { readonly event: 'worker.starting'; readonly service: string; readonly workerId: number; readonly pid: number | undefined; readonly generation: number }
  | { readonly event: 'worker.ready'; readonly service: string; readonly workerId: number; readonly pid: number | undefined; readonly generation: number; readonly afterMs: number }
  | { readonly event: 'worker.stopping'; readonly service: string; readonly workerId: number; readonly pid: number | undefined }
  | { readonly event: 'worker.exited'; readonly service: string; readonly workerId: number; readonly pid: number | undefined; readonly code: number | null; readonly signal: string | null; readonly expected: boolean; readonly restartInMs: number | null; readonly error?: string }
  | { readonly event: 'worker.killed'; readonly service: string; readonly workerId: number; readonly pid: number | undefined; readonly reason: KillReason }
  | { readonly event: 'worker.hung'; readonly service: string; readonly workerId: number; readonly pid: number | undefined; readonly lastBeatMs: number }
  | { readonly event: 'service.scaled'; readonly service: string; readonly workers: number }
  | { readonly event: 'service.ended'; readonly service: string; readonly critical: boolean }
  | { readonly event: 'reload.started'; readonly generation: number; readonly workers: number }
  | { readonly event: 'reload.finished'; readonly generation: number; readonly ok: boolean; readonly error?: string }

export type EventLevel = 'error' | 'warn' | 'info' | 'debug'

export function levelOf(event: LauncherEvent): EventLevel {
  switch (event.event) {
    case 'worker.killed':
    case 'worker.hung':
    case 'launcher.config_rejected': return 'error'
    case 'launcher.starved':
    case 'launcher.config_kept':
    case 'launcher.notify_failed': return 'warn'
    case 'worker.exited': return event.expected ? 'info' : 'error'
    case 'launcher.stopped': return event.exitCode === 0 ? 'info' : 'error'
    case 'reload.finished': return event.ok ? 'info' : 'error'
    case 'worker.stopping': return 'debug'
    default: return 'info'
  }
}

export function textOf(event: LauncherEvent): string {
  switch (event.event) {
    case 'launcher.listening': return `listening on ${event.url} (socket "${event.socket}")`
    case 'launcher.ready': return `all ${event.workers} workers are ready${event.control === null ? '' : `; look at them with: launcher status --control ${event.control}`}`
    case 'launcher.signal': return `got ${event.signal}`
    case 'launcher.stopping': return `stopping: ${event.reason}`
    case 'launcher.stopped': return `stopped with exit code ${event.exitCode}: ${event.reason}`
    case 'launcher.report': return `${event.status.workersReady}/${event.status.workersWanted} workers ready, generation ${event.status.generation}`
    case 'launcher.starved': return `the launcher did not run for ${event.ms} ms; no worker is blamed for it`
    case 'launcher.config_rejected': return `the configuration is not valid, nothing was changed: ${event.error}`
    case 'launcher.config_kept': return `changed in the configuration, but only a restart can apply it: ${event.keys.join(', ')}`
    case 'launcher.notify_failed': return `systemd was not notified: ${event.error}`
    case 'worker.starting': return `${nameOf(event)} is starting`
    case 'worker.ready': return `${nameOf(event)} is ready after ${event.afterMs} ms`
    case 'worker.stopping': return `${nameOf(event)} is stopping`
    case 'worker.exited': return `${nameOf(event)} ${howItEnded(event)}`
    case 'worker.killed': return `${nameOf(event)} was killed: ${WHY_KILLED[event.reason]}`
    case 'worker.hung': return `${nameOf(event)} hangs: no beat for ${event.lastBeatMs} ms`
    case 'service.scaled': return `service "${event.service}" has ${event.workers} workers now`
    case 'service.ended': return `service "${event.service}" has ended${event.critical ? ', and it is critical' : ''}`
    case 'reload.started': return `reload to generation ${event.generation} began, ${event.workers} workers to replace`
    case 'reload.finished': return event.ok ? `reload to generation ${event.generation} is done` : `reload to generation ${event.generation} failed, the old workers go on: ${event.error ?? ''}`
  }
}

const WHY_KILLED: Readonly<Record<KillReason, string>> = {
  'boot timeout': 'it was not ready within boot_timeout',
  hung: 'it did not beat within hang_timeout',
  deadline: 'it did not end within graceful_shutdown_timeout',
  forced: 'an immediate stop was asked for',
}

function nameOf(event: { readonly service: string; readonly workerId: number; readonly pid: number | undefined }): string {
  return `worker ${event.service}/${event.workerId}${event.pid === undefined ? '' : ` (pid ${event.pid})`}`
}

function howItEnded(event: Extract<LauncherEvent, { event: 'worker.exited' }>): string {
  const end = event.error !== undefined ? `could not be forked: ${event.error}` : event.signal === null ? `exited with code ${event.code}` : `was ended by ${event.signal}`
  if (event.restartInMs === null) return end
  return `${end}; its slot is restarted ${event.restartInMs === 0 ? 'at once' : `in ${event.restartInMs} ms`}`
}
