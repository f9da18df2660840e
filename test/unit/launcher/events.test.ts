import assert from 'node:assert/strict'
import { test } from 'node:test'
import { levelOf, textOf, type LauncherEvent } from '#src/launcher/events.js'

const who = { service: 'api', workerId: 3, pid: 4_711 }
const exit = { event: 'worker.exited', ...who, code: 0, signal: null, expected: true, restartInMs: null } as const
const status = { name: 'api', pid: 1, state: 'running', generation: 2, workersWanted: 3, workersReady: 2, sockets: [], workers: [] } as const

const lines: readonly (readonly [LauncherEvent, string, string])[] = [
  [{ event: 'launcher.listening', socket: 'http', url: 'tcp://127.0.0.1:80' }, 'info', 'listening on tcp://127.0.0.1:80 (socket "http")'],
  [{ event: 'launcher.ready', workers: 2, control: null }, 'info', 'all 2 workers are ready'],
  [{ event: 'launcher.ready', workers: 2, control: '/run/a.sock' }, 'info', 'all 2 workers are ready; look at them with: launcher status --control /run/a.sock'],
  [{ event: 'launcher.signal', signal: 'SIGHUP' }, 'info', 'got SIGHUP'],
  [{ event: 'launcher.stopping', reason: 'SIGTERM' }, 'info', 'stopping: SIGTERM'],
  [{ event: 'launcher.stopped', exitCode: 0, reason: 'SIGTERM' }, 'info', 'stopped with exit code 0: SIGTERM'],
  [{ event: 'launcher.stopped', exitCode: 5, reason: 'too many deaths' }, 'error', 'stopped with exit code 5: too many deaths'],
  [{ event: 'launcher.report', status }, 'info', '2/3 workers ready, generation 2'],
  [{ event: 'launcher.starved', ms: 2_000 }, 'warn', 'the launcher did not run for 2000 ms; no worker is blamed for it'],
  [{ event: 'launcher.config_rejected', error: 'bad' }, 'error', 'the configuration is not valid, nothing was changed: bad'],
  [{ event: 'launcher.config_kept', keys: ['name', 'listen'] }, 'warn', 'changed in the configuration, but only a restart can apply it: name, listen'],
  [{ event: 'launcher.notify_failed', error: 'ENOENT' }, 'warn', 'systemd was not notified: ENOENT'],
  [{ event: 'worker.starting', ...who, generation: 1 }, 'info', 'worker api/3 (pid 4711) is starting'],
  [{ event: 'worker.ready', ...who, generation: 1, afterMs: 120 }, 'info', 'worker api/3 (pid 4711) is ready after 120 ms'],
  [{ event: 'worker.stopping', ...who }, 'debug', 'worker api/3 (pid 4711) is stopping'],
  [exit, 'info', 'worker api/3 (pid 4711) exited with code 0'],
  [{ ...exit, code: 1, expected: false, restartInMs: 0 }, 'error', 'worker api/3 (pid 4711) exited with code 1; its slot is restarted at once'],
  [{ ...exit, code: null, signal: 'SIGSEGV', expected: false, restartInMs: 150 }, 'error', 'worker api/3 (pid 4711) was ended by SIGSEGV; its slot is restarted in 150 ms'],
  [{ ...exit, pid: undefined, code: null, expected: false, error: 'EAGAIN' }, 'error', 'worker api/3 could not be forked: EAGAIN'],
  [{ event: 'worker.killed', ...who, reason: 'boot timeout' }, 'error', 'worker api/3 (pid 4711) was killed: it was not ready within boot_timeout'],
  [{ event: 'worker.killed', ...who, reason: 'hung' }, 'error', 'worker api/3 (pid 4711) was killed: it did not beat within hang_timeout'],
  [{ event: 'worker.killed', ...who, reason: 'deadline' }, 'error', 'worker api/3 (pid 4711) was killed: it did not end within graceful_shutdown_timeout'],
  [{ event: 'worker.killed', ...who, reason: 'forced' }, 'error', 'worker api/3 (pid 4711) was killed: an immediate stop was asked for'],
  [{ event: 'worker.hung', ...who, lastBeatMs: 30_000 }, 'error', 'worker api/3 (pid 4711) hangs: no beat for 30000 ms'],
  [{ event: 'service.scaled', service: 'api', workers: 4 }, 'info', 'service "api" has 4 workers now'],
  [{ event: 'service.ended', service: 'api', critical: false }, 'info', 'service "api" has ended'],
  [{ event: 'service.ended', service: 'api', critical: true }, 'info', 'service "api" has ended, and it is critical'],
  [{ event: 'reload.started', generation: 2, workers: 4 }, 'info', 'reload to generation 2 began, 4 workers to replace'],
  [{ event: 'reload.finished', generation: 2, ok: true }, 'info', 'reload to generation 2 is done'],
  [{ event: 'reload.finished', generation: 2, ok: false, error: 'no database' }, 'error', 'reload to generation 2 failed, the old workers go on: no database'],
]

for (const [event, level, text] of lines) {
  test(`textOf() and levelOf() ${event.event}: ${text}`, () => {
    assert.deepEqual([levelOf(event), textOf(event)], [level, text])
  })
}
