import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CoordinationStatus, LauncherStatus, WorkerStatus } from '#src/admin/status.js'
import { renderStatus, renderWorkers } from '#src/cli/render-status.js'

const worker: WorkerStatus = {
  service: 'api', workerId: 0, pid: 4_711, generation: 2, state: 'ready', sinceMs: 400, restarts: 1,
  lastExit: { code: 1, signal: null, at: '2026-01-31T09:30:00.000Z' }, rssBytes: 50 * 2 ** 20, loopDelayMs: 0.4, lastBeatMs: 900,
}

const waiting: WorkerStatus = {
  service: 'janitor', workerId: 10, pid: null, generation: 0, state: 'waiting', sinceMs: 12_000, restarts: 0,
  lastExit: { code: null, signal: 'SIGKILL', at: '2026-01-31T09:30:00.000Z' }, rssBytes: null, loopDelayMs: null, lastBeatMs: null,
}

function statusOf(...workers: readonly WorkerStatus[]): LauncherStatus {
  return { name: 'shop', pid: 7, state: 'running', generation: 2, workersWanted: 2, workersReady: 1, sockets: [{ name: 'http', url: 'tcp://127.0.0.1:80' }], workers }
}

test('renderStatus() is a line on the launcher, its sockets, and a table of workers in columns', () => {
  assert.equal(renderStatus(statusOf(worker, waiting)), [
    'shop (pid 7) is running: 1/2 workers ready, generation 2',
    'socket http: tcp://127.0.0.1:80',
    '',
    'SERVICE  WORKER  PID   GEN  STATE    SINCE  RESTARTS  LAST EXIT                         RSS       LOOP DELAY  LAST BEAT',
    'api      0       4711  2    ready    0.4 s  1         code 1 2026-01-31T09:30:00.000Z   50.0 MiB  0.4 ms      0.9 s',
    'janitor  10      -     0    waiting  12 s   0         SIGKILL 2026-01-31T09:30:00.000Z  -         -           -',
    '',
  ].join('\n'))
})

test('renderStatus() says how coordination is', () => {
  const coordination: CoordinationStatus = { url: 'redis://h:6379/0', connected: true, quarantinedMs: 0, warnings: [] }
  const line = (change: Partial<CoordinationStatus>): string | undefined => renderStatus({ ...statusOf(), coordination: { ...coordination, ...change } }).split('\n').slice(2, 4).join('|')
  assert.equal(line({}), 'coordination redis://h:6379/0: connected|')
  assert.equal(line({ quarantinedMs: 4_200 }), 'coordination redis://h:6379/0: grants nothing for 4.2 s more, as it may have forgotten leases|')
  assert.equal(line({ connected: false, warnings: ['it evicts'] }), 'coordination redis://h:6379/0: not connected|  it evicts')
})

test('renderWorkers() without workers is the head alone', () => {
  assert.match(renderWorkers(statusOf()), /^SERVICE {2}WORKER .* LAST BEAT\n$/)
})

test('renderWorkers() shows a worker that never exited with a dash', () => {
  assert.match(renderWorkers(statusOf({ ...worker, lastExit: null })), / {2}1 {9}- {2,}50\.0 MiB/)
})

const times: readonly (readonly [number, string])[] = [
  [0, '0.0 s'], [9_940, '9.9 s'], [9_960, '10.0 s'], [10_000, '10 s'], [59_999, '59 s'], [60_000, '1m00s'], [185_000, '3m05s'], [3_599_999, '59m59s'],
  [3_600_000, '1h00m'], [7_620_000, '2h07m'], [86_399_999, '23h59m'], [86_400_000, '1d00h'], [442_800_000, '5d03h'],
]

for (const [sinceMs, text] of times) {
  test(`renderWorkers() shows ${sinceMs} ms as ${text}`, () => {
    assert.ok(renderWorkers(statusOf({ ...worker, sinceMs })).includes(`ready  ${text}`), renderWorkers(statusOf({ ...worker, sinceMs })))
  })
}
